//! What kind of disk the state folder lies on: whether other machines may have it as well.

use std::path::Path;

/// A disk that other machines, or whoever serves it, may write to: locks and shared memory do not reach them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SharedDisk {
    /// What it is called: `NFS`.
    pub(crate) kind: &'static str,
}

/// The kinds of Linux, by the number that `statfs` tells.
const KINDS: [(u32, &str); 15] = [
    (0x0000_6969, "NFS"),
    (0x0000_517B, "SMB"),
    (0xFF53_4D42, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0x0000_564C, "NCP"),
    (0x6573_5546, "FUSE"),
    (0x0102_1997, "9P"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x7461_636F, "OCFS2"),
    (0x0116_1970, "GFS2"),
];

impl SharedDisk {
    /// The one of this number; none for a disk of this machine, and for one that is not known.
    fn of_magic(magic: u32) -> Option<Self> {
        KINDS.into_iter().find(|(known, _)| *known == magic).map(|(_, kind)| Self { kind })
    }

    /// The disk that this folder lies on, where that can be told.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn of(folder: &Path) -> Option<Self> {
        let found = nix::sys::statfs::statfs(folder).ok()?;
        // The kernel's number has 32 bits, and the type that carries it differs from machine to machine.
        Self::of_magic(found.filesystem_type().0 as u32)
    }

    /// Nothing is known of it here.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(super) fn of(_: &Path) -> Option<Self> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_disks_and_those_of_programs_are_told_from_the_machines_own() {
        let kind = |magic| SharedDisk::of_magic(magic).map(|disk| disk.kind);
        assert_eq!(
            (kind(0x6969), kind(0x6573_5546), kind(0xFF53_4D42)),
            (Some("NFS"), Some("FUSE"), Some("SMB"))
        );
        // ext4, btrfs, xfs, tmpfs, overlayfs, ZFS.
        for own in [0xEF53, 0x9123_683E, 0x5846_5342, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1] {
            assert_eq!(kind(own), None, "{own:x}");
        }
    }

    #[test]
    fn a_folder_of_this_machine_is_none() {
        assert_eq!(SharedDisk::of(Path::new("/proc")), None);
        assert_eq!(SharedDisk::of(Path::new("/no/such/folder")), None);
    }
}
