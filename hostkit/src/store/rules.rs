//! What the homes must not each decide for themselves.

/// Why a job is quarantined.
pub(super) fn conviction(crashes: u32) -> String {
    match crashes {
        1 => "it was running in a crash".to_owned(),
        _ => format!("it was running in {crashes} crashes"),
    }
}
