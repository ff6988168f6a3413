//! The files of a database, and whether they may be written.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Checks that this process may write the file and those that SQLite keeps beside it. SQLite opens
/// a file that it may only read without a complaint, and makes `-wal` and `-shm` with the same mode,
/// which are then of no use when the file may be written again. If there are such leftovers, they
/// get the mode of the file.
///
/// The file is not opened: closing it again would take away the locks that the connections of this
/// process have on it.
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    let may_write = |path: &Path| {
        access(path, Access::READ_OK | Access::WRITE_OK).map_err(|error| {
            let error = io::Error::from(error);
            io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        })
    };
    may_write(path)?;
    let real = path.canonicalize()?;
    for end in ["-wal", "-shm"] {
        let mut beside = real.clone().into_os_string();
        beside.push(end);
        let beside = PathBuf::from(beside);
        match may_write(&beside) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                drop(std::fs::set_permissions(&beside, real.metadata()?.permissions()));
                may_write(&beside)?;
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
