//! The document of the admin API, made without a hub: it says what the calls are, not what they do.

use std::collections::HashMap;
use std::marker::PhantomData;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::registry::{MetaApi, Registry};
use poem_openapi::{OpenApi, OpenApiService};

use super::{Admin, resources, service};

/// Resources that are only described.
struct Described<T>(PhantomData<T>);

impl<T: OpenApi> OpenApi for Described<T> {
    fn meta() -> Vec<MetaApi> {
        T::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn add_routes(self, _: &mut HashMap<String, HashMap<Method, BoxEndpoint<'static>>>) {}
}

/// The OpenAPI document of the admin API, as JSON.
#[must_use]
pub fn document() -> String {
    described(resources).spec()
}

fn described<T: OpenApi>(_: fn(&Admin) -> T) -> OpenApiService<Described<T>, ()> {
    service(Described(PhantomData))
}
