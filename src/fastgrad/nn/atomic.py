"""Atomic writing of files: to a temporary file in the same folder, flushed to the disk, then moved.

Knows nothing of the contents.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator


class UnbufferedFile:
    """An open, unbuffered file that writes all data or raises, and remembers the error of a failed write."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor, self.error = descriptor, None

    def write(self, data: bytes | memoryview) -> int:
        """Write all of `data`."""
        left = memoryview(data).cast("B") if len(data) else memoryview(b"")
        try:
            while left:
                left = left[os.write(self.descriptor, left) :]
        except OSError as error:
            self.error = error
            raise
        return len(data)

    def tell(self) -> int:
        """Return the position in the file."""
        return os.lseek(self.descriptor, 0, os.SEEK_CUR)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the position in the file and return it."""
        return os.lseek(self.descriptor, offset, whence)

    def flush(self) -> None:
        """Do nothing, since there is no buffer."""


@contextlib.contextmanager
def atomic_write(path: str) -> Iterator[UnbufferedFile]:
    """Open a file for writing that replaces `path` when the block ends without an error.

    Symbolic links are followed. The mode and, if permitted, the owner of an existing file are kept. Several threads or
    processes may replace a file concurrently: the last one wins, and readers always see a complete file. Devices and
    pipes, which cannot be replaced, are written to directly.

    Raises
    ------
    OSError
        As raised by `open(path, "wb")`: a missing folder, no permission, a read-only file, a full disk.
    """
    target = os.path.realpath(path)
    try:
        before = os.stat(target)
    except FileNotFoundError:
        before = None
    if before is not None:
        if stat.S_ISDIR(before.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        # also for the superuser, whom os.access always permits: the file was made read-only on purpose
        if not os.access(target, os.W_OK) or not before.st_mode & 0o222:
            raise PermissionError(errno.EACCES, "the file is read-only", path)
        if not stat.S_ISREG(before.st_mode):
            descriptor = os.open(target, os.O_WRONLY)
            opened = contextlib.closing(os.fdopen(descriptor, "wb", buffering=0))
            with opened, _write_error(UnbufferedFile(descriptor)) as file:
                yield file
            return
    folder = os.path.dirname(target)
    descriptor, name = _create(folder)
    try:
        try:
            with _write_error(UnbufferedFile(descriptor)) as file:
                yield file
            if before is not None:
                if hasattr(os, "fchown") and (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    with contextlib.suppress(PermissionError):
                        os.fchown(descriptor, before.st_uid, before.st_gid)
                os.chmod(descriptor if os.chmod in os.supports_fd else str(name), stat.S_IMODE(before.st_mode))
            os.fsync(descriptor)
            if name is None:
                name = _link(descriptor, folder) or _copy(descriptor, folder)
        finally:
            os.close(descriptor)
        os.replace(name, target)
        name = None
    finally:
        if name is not None:
            with contextlib.suppress(FileNotFoundError):
                os.remove(name)
    _flush_folder(folder)


@contextlib.contextmanager
def _write_error(file: UnbufferedFile) -> Iterator[UnbufferedFile]:
    """Raise the error of a failed write itself, instead of the error that the format made of it."""
    try:
        yield file
    except Exception as error:
        if file.error is not None and error is not file.error:
            raise file.error from None
        raise


def _create(folder: str, nameless: bool = True) -> tuple[int, str | None]:
    """Create an empty file in `folder`, if possible without a name, so that a killed process leaves nothing behind."""
    if nameless and hasattr(os, "O_TMPFILE") and os.path.isdir("/proc/self/fd"):
        # not supported by every file system
        with contextlib.suppress(OSError):
            return os.open(folder or ".", os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o666), None
    while True:
        name = _name(folder)
        with contextlib.suppress(FileExistsError):
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
            return os.open(name, flags, 0o666), name


def _name(folder: str) -> str:
    """Return a short random name: `path` may have the maximum length, and forks must not share the random state."""
    return os.path.join(folder, f".fastgrad-{secrets.token_hex(8)}.part")


def _link(descriptor: int, folder: str) -> str | None:
    """Link the unnamed file to a name, since `os.replace` needs one; return None if that is not possible."""
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        while True:
            name = _name(folder)
            try:
                # linkat with AT_SYMLINK_FOLLOW
                os.link(f"/proc/self/fd/{descriptor}", name, src_dir_fd=at, dst_dir_fd=at)
                return name
            except FileExistsError:
                continue
            except OSError:  # some sandboxes and layered file systems support O_TMPFILE but not this
                return None
    finally:
        os.close(at)


def _copy(descriptor: int, folder: str) -> str:
    """Copy the unnamed file, with its mode, to a file with a name."""
    made, name = _create(folder, nameless=False)
    assert name is not None
    try:
        file, at = UnbufferedFile(made), 0
        while part := os.pread(descriptor, 1 << 20, at):
            at += file.write(part)
        os.fchmod(made, stat.S_IMODE(os.fstat(descriptor).st_mode))
        os.fsync(made)
    except BaseException:
        os.remove(name)
        raise
    finally:
        os.close(made)
    return name


def _flush_folder(folder: str) -> None:
    """Flush the folder, so that the new name is on the disk, if the system supports this."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(at)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(at)
