"""One file per family of rows. Importing this package registers them in the order of the table."""

# isort: off
from bench.rows import control
from bench.rows import scalars
from bench.rows import networks
from bench.rows import recurrent
from bench.rows import training
from bench.rows import layers
from bench.rows import derivatives
from bench.rows import transforms
from bench.rows import sparse
from bench.rows import compiled
from bench.rows import autograd_names
from bench.rows import elementwise
from bench.rows import products
from bench.rows import graphs
from bench.rows import engines
from bench.rows import values
from bench.rows import starting
from bench.rows import pictures
from bench.results import ROWS
