//! Where a file may be: not on a network, where locks and shared memory are not what SQLite needs.

use std::path::Path;

use super::super::OpenError;

/// File systems that other machines write as well, by the numbers that Linux knows them by.
#[cfg(target_os = "linux")]
const SHARED: [(u64, &str); 14] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB"),
    (0x00c3_6400, "Ceph"),
    (0x5346_414f, "AFS"),
    (0x0102_1997, "9P"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636f, "OCFS2"),
    (0x0116_1970, "GFS2"),
    (0x786f_4256, "a shared folder of VirtualBox"),
];

/// The name of the network file system with this number.
#[cfg(target_os = "linux")]
fn shared(number: u64) -> Option<&'static str> {
    SHARED.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// Refuses a directory on a network.
#[cfg(target_os = "linux")]
pub(super) fn refuse_network(directory: &Path) -> Result<(), OpenError> {
    let found = rustix::fs::statfs(directory).map_err(|error| {
        OpenError::store(format!("cannot tell on which file system `{}` is", directory.display())).because(error)
    })?;
    // Some architectures have it signed or of 32 bits.
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "only the bits count")]
    let number = found.f_type as u64 & 0xffff_ffff;
    match shared(number) {
        Some(name) => Err(OpenError::configuration(format!(
            "`{}` is on {name}, where a store in SQLite would be damaged; name a file on a disk of this machine",
            directory.display()
        ))),
        None => Ok(()),
    }
}

/// Other systems do not say it the same way.
#[cfg(not(target_os = "linux"))]
pub(super) fn refuse_network(_directory: &Path) -> Result<(), OpenError> {
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_known_and_disks_are_not() {
        assert_eq!(shared(0x6969), Some("NFS"));
        // ext4, tmpfs, btrfs, xfs, overlayfs.
        for disk in [0xef53, 0x0102_1994, 0x9123_683e, 0x5846_5342, 0x794c_7630] {
            assert_eq!(shared(disk), None);
        }
        refuse_network(Path::new("/")).unwrap();
    }
}
