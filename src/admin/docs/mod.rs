//! The pages of documentation. They hold nothing of the hub: the document itself is fetched by a script of theirs
//! with the session of whoever looks, like any other call.

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use flate2::Compression;
use flate2::write::GzEncoder;
use poem::http::{Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result, Route, get};
use poem_openapi::OpenApiService;

/// Paths that anybody may read.
pub(super) const OPEN: [(Method, &str); 6] = [
    (Method::GET, "/docs"),
    (Method::GET, "/docs/page.css"),
    (Method::GET, "/docs/page.js"),
    (Method::GET, "/docs/swagger-ui.css"),
    (Method::GET, "/docs/swagger-ui.js"),
    (Method::GET, "/redoc"),
];
/// The document.
pub(super) const DOCUMENT: &str = "/openapi.json";

/// No inline script; the viewer styles its parts one by one, and draws with data URLs.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
    img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file of the pages, compressed once.
struct File {
    kind: &'static str,
    packed: Vec<u8>,
    cache: &'static str,
}

impl File {
    fn new(kind: &'static str, text: &str, cache: &'static str) -> Self {
        let mut packer = GzEncoder::new(Vec::with_capacity(text.len() / 3), Compression::fast());
        // Memory does not refuse to be written to.
        let _ = packer.write_all(text.as_bytes());
        Self {
            kind,
            packed: packer.finish().unwrap_or_default(),
            cache,
        }
    }
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
/// Files of the viewer change with the executable alone.
const LASTING: &str = "public, max-age=86400";
const FRESH: &str = "no-cache";

/// The viewer comes as one page with everything in it; a policy without inline script needs its parts.
static VIEWER: LazyLock<(File, File)> = LazyLock::new(|| {
    let whole = OpenApiService::new((), "", "").swagger_ui_html();
    let between = |start: &str, end: &str| {
        whole
            .split_once(start)
            .and_then(|(_, rest)| rest.split_once(end))
            .map_or("", |(part, _)| part)
    };
    let style = between("<style charset=\"UTF-8\">", "</style>");
    let script = between("<script charset=\"UTF-8\">", "</script>\n</head>");
    (
        File::new(STYLE, style, LASTING),
        File::new(JAVASCRIPT, script, LASTING),
    )
});

static PAGE: LazyLock<[File; 3]> = LazyLock::new(|| {
    [
        File::new("text/html; charset=utf-8", include_str!("page.html"), FRESH),
        File::new(STYLE, include_str!("page.css"), FRESH),
        File::new(JAVASCRIPT, include_str!("page.js"), FRESH),
    ]
});

/// Adds the pages and the document.
pub(super) fn lay_out(routes: Route, document: String) -> Route {
    let document: Arc<str> = document.into();
    routes
        .at("/docs", get(Pages(|| &PAGE[0])))
        .at("/docs/page.css", get(Pages(|| &PAGE[1])))
        .at("/docs/page.js", get(Pages(|| &PAGE[2])))
        .at("/docs/swagger-ui.css", get(Pages(|| &VIEWER.0)))
        .at("/docs/swagger-ui.js", get(Pages(|| &VIEWER.1)))
        .at("/redoc", get(Elsewhere))
        .at(DOCUMENT, get(Document(document)))
}

struct Pages(fn() -> &'static File);

impl Endpoint for Pages {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        let file = (self.0)();
        // Everything that shows a page unpacks it.
        Ok(Response::builder()
            .content_type(file.kind)
            .header(header::CONTENT_ENCODING, "gzip")
            .header(header::CACHE_CONTROL, file.cache)
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .body(file.packed.as_slice()))
    }
}

/// The older address of the documentation.
struct Elsewhere;

impl Endpoint for Elsewhere {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        Ok(Response::builder()
            .status(StatusCode::FOUND)
            .header(header::LOCATION, "/docs")
            .finish())
    }
}

struct Document(Arc<str>);

impl Endpoint for Document {
    type Output = Response;

    async fn call(&self, _: Request) -> Result<Response> {
        Ok(Response::builder()
            .content_type("application/json")
            .body(self.0.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_viewer_comes_apart() {
        let (style, script) = &*VIEWER;
        // A changed template would leave nothing between its marks.
        assert!(style.packed.len() > 10_000 && script.packed.len() > 200_000);
        assert!(PAGE.iter().all(|file| file.packed.len() > 100));
    }
}
