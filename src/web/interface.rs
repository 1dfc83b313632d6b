//! The web interface, out of the executable.
//!
//! Files with a digest in their names never change and are kept by browsers for good; the page itself is asked
//! for anew each time. A file that is not there is a 404 and never the page, so that a browser with an old
//! page sees that it is old instead of reading a page as a script.

use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, LOCATION, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use rust_embed::{EmbeddedFile, RustEmbed};

/// Where the interface is.
const BASE: &str = "/ui";
/// The page that shows all pages.
const PAGE: &str = "index.html";

#[derive(RustEmbed)]
#[folder = "admin-ui/build/"]
#[allow_missing = true]
struct Files;

/// Whether a path is the interface's.
pub(super) fn owns(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether this is a person with a browser at the front door.
pub(super) fn is_visitor(method: &Method, path: &str, headers: &HeaderMap) -> bool {
    let wants_page = headers
        .get(http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    *method == Method::GET && path == "/" && wants_page
}

/// To the interface.
pub(super) fn welcome() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    response
        .headers_mut()
        .insert(LOCATION, HeaderValue::from_static("/ui/"));
    response
}

/// Answers a request for a file of the interface.
pub(super) fn answer(method: &Method, path: &str, headers: &HeaderMap) -> Response<Bytes> {
    if *method != Method::GET && *method != Method::HEAD {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "the interface is only read");
    }
    let name = path
        .strip_prefix(BASE)
        .unwrap_or(path)
        .trim_start_matches('/');
    let is_file = name
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains('.'));
    let name = if is_file { name } else { PAGE };
    // The page's own copies for the wire are no files of their own.
    let is_copy = name.ends_with(".br") || name.ends_with(".gz");
    match Files::get(name).filter(|_| !is_copy) {
        Some(file) => serve(name, &file, method, headers),
        None if is_file => plain(StatusCode::NOT_FOUND, "there is no such file"),
        None => plain(
            StatusCode::NOT_FOUND,
            "this build has no interface; build it with `make ui`, or use the API at /docs",
        ),
    }
}

fn serve(name: &str, file: &EmbeddedFile, method: &Method, headers: &HeaderMap) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    let out = response.headers_mut();
    let is_immutable = name.starts_with("_app/immutable/");
    let cache = if is_immutable {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    out.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(CONTENT_TYPE, HeaderValue::from_static(kind(name)));
    out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    out.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    out.insert(VARY, HeaderValue::from_static("accept-encoding"));
    if name == PAGE {
        // What may run and be reached is in the page itself, with the digest of its one inline script.
        let policy = HeaderValue::from_static("frame-ancestors 'none'");
        out.insert(CONTENT_SECURITY_POLICY, policy);
    }
    let tag = tag(file);
    let is_known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes());
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        out.insert(ETAG, tag);
    }
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    let accepted = headers
        .get(ACCEPT_ENCODING)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let copy = [("br", "br"), ("gzip", "gz")]
        .into_iter()
        .find_map(|(coding, ending)| {
            let wanted = accepted.split(',').any(|one| {
                one.split(';')
                    .next()
                    .is_some_and(|one| one.trim() == coding)
            });
            let file = if wanted {
                Files::get(&format!("{name}.{ending}"))
            } else {
                None
            };
            file.map(|file| (coding, file))
        });
    let data = match copy {
        Some((coding, copy)) => {
            response
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static(coding));
            bytes(copy)
        }
        None => bytes(EmbeddedFile {
            data: file.data.clone(),
            metadata: file.metadata.clone(),
        }),
    };
    if *method == Method::GET {
        *response.body_mut() = data;
    }
    response
}

fn bytes(file: EmbeddedFile) -> Bytes {
    match file.data {
        std::borrow::Cow::Borrowed(data) => Bytes::from_static(data),
        std::borrow::Cow::Owned(data) => Bytes::from(data),
    }
}

fn tag(file: &EmbeddedFile) -> String {
    use std::fmt::Write as _;
    let digest = file.metadata.sha256_hash();
    let mut tag = String::from("\"");
    for byte in &digest[..12] {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}

fn kind(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

fn plain(status: StatusCode, words: &'static str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(words.as_bytes()));
    *response.status_mut() = status;
    let out = response.headers_mut();
    out.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    out.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
