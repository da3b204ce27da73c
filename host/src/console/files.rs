//! The files that pages refer to. They are part of the program.

use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// One file.
struct File {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static [u8],
    /// The beginning of its SHA-256: another content has another address.
    version: String,
}

macro_rules! file {
    ($name:literal, $media_type:literal) => {
        File {
            name: $name,
            media_type: $media_type,
            bytes: include_bytes!(concat!("../../assets/console/", $name)),
            version: version(include_bytes!(concat!("../../assets/console/", $name))),
        }
    };
}

static FILES: LazyLock<[File; 4]> = LazyLock::new(|| {
    [
        file!("console.css", "text/css; charset=utf-8"),
        file!("icon.svg", "image/svg+xml"),
        file!("htmx.js", "text/javascript; charset=utf-8"),
        file!("sse.js", "text/javascript; charset=utf-8"),
    ]
});

fn version(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

/// The address of a file.
pub(super) fn address(name: &str) -> String {
    let file = FILES.iter().find(|file| file.name == name);
    let version = file.map_or("", |file| &file.version);
    format!("/console/files/{name}?v={version}")
}

/// `GET /console/files/{name}`: for anybody.
pub(super) async fn serve(Path(name): Path<String>, RawQuery(query): RawQuery) -> Response {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // What is asked for by its version never changes.
    let current = query.is_some_and(|query| query == format!("v={}", file.version));
    let kept = if current {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, file.media_type),
        (header::CACHE_CONTROL, kept),
    ];
    (headers, file.bytes).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_others_are_those_that_the_notice_names() {
        let notice = include_str!("../../assets/console/README.md");
        for name in ["htmx.js", "sse.js"] {
            let file = FILES.iter().find(|file| file.name == name).unwrap();
            let digest = hex::encode(Sha256::digest(file.bytes));
            let row = notice
                .lines()
                .find(|line| line.contains(&format!("| `{name}` |")));
            assert!(
                row.unwrap().contains(&format!("`{digest}`")),
                "{name} {digest}"
            );
        }
    }

    #[test]
    fn the_style_sheet_loads_nothing() {
        let css = include_str!("../../assets/console/console.css");
        for loads in ["url(", "@import", "http"] {
            assert!(!css.contains(loads), "{loads}");
        }
    }
}
