"""`autograd.scipy.stats`: SciPy's distributions, with derivatives; all other names are those of `scipy.stats`.

Each distribution is also a module of this package, as in autograd: `import autograd.scipy.stats.norm as norm`.
"""

from fastgrad.autograd.scipy._passing import pass_names
from fastgrad.autograd.scipy.stats._discrete import bernoulli, betabinom, binom, geom, logser, nbinom, planck, poisson
from fastgrad.autograd.scipy.stats._exponential import (
    burr,
    burr12,
    cauchy,
    expon,
    exponpow,
    exponweib,
    fisk,
    genlogistic,
    gompertz,
    gumbel_l,
    gumbel_r,
    halfcauchy,
    halflogistic,
    hypsecant,
    invweibull,
    laplace,
    logistic,
    loguniform,
    lomax,
    pareto,
    powerlaw,
    rayleigh,
    uniform,
    weibull_max,
    weibull_min,
)  # fmt: skip
from fastgrad.autograd.scipy.stats._gamma import (
    beta,
    betaprime,
    chi,
    chi2,
    f,
    gamma,
    gengamma,
    invgamma,
    loggamma,
    maxwell,
    nakagami,
    t,
    vonmises,
)  # fmt: skip
from fastgrad.autograd.scipy.stats._multivariate import dirichlet, multivariate_normal
from fastgrad.autograd.scipy.stats._normal import (
    exponnorm,
    fatiguelife,
    halfnorm,
    invgauss,
    johnsonsb,
    johnsonsu,
    levy,
    lognorm,
    moyal,
    norm,
    powerlognorm,
    powernorm,
    skewnorm,
    truncnorm,
    wald,
)  # fmt: skip

__all__ = [
    "bernoulli", "beta", "betabinom", "betaprime", "binom", "burr", "burr12", "cauchy", "chi", "chi2", "dirichlet",
    "expon", "exponnorm", "exponpow", "exponweib", "f", "fatiguelife", "fisk", "gamma", "gengamma", "genlogistic",
    "geom", "gompertz", "gumbel_l", "gumbel_r", "halfcauchy", "halflogistic", "halfnorm", "hypsecant", "invgamma",
    "invgauss", "invweibull", "johnsonsb", "johnsonsu", "laplace", "levy", "loggamma", "logistic", "loguniform",
    "lognorm", "logser", "lomax", "maxwell", "moyal", "multivariate_normal", "nakagami", "nbinom", "norm", "pareto",
    "planck", "poisson", "powerlaw", "powerlognorm", "powernorm", "rayleigh", "skewnorm", "t", "truncnorm", "uniform",
    "vonmises", "wald", "weibull_max", "weibull_min",
]  # fmt: skip

__getattr__, __dir__ = pass_names("scipy.stats", globals())
