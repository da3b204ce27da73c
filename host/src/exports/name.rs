//! The names of export files.

/// The longest name, in bytes.
const NAME_BYTES: usize = 128;

/// The rules for names: nothing that any file system, shell or mail program
/// takes for something else.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > NAME_BYTES {
        return Err(format!(
            "it has {} bytes; 1 to {NAME_BYTES} are allowed",
            name.len()
        ));
    }
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if let Some(c) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "{c:?} is not allowed; letters, digits, `-`, `_` and `.` are"
        ));
    }
    if name.starts_with(['.', '-']) {
        return Err("it may not start with `.` or `-`".to_owned());
    }
    if name.ends_with('.') {
        return Err("it may not end with `.`".to_owned());
    }
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase();
    let device = ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str())
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    if device {
        return Err(format!("{stem} is the name of a device on Windows"));
    }
    Ok(())
}
