//! The lines of the admin API's contract that commands call by name; resources derive theirs from their path. A test
//! compares all of them with `openapi/openapi.json`.

use crate::client::Endpoint;

/// Names the lines and lists them.
macro_rules! endpoints {
    ($($name:ident = $method:ident $path:literal;)*) => {
        $(
            #[doc = concat!("`", stringify!($method), " ", $path, "`")]
            pub(crate) const $name: Endpoint = Endpoint { method: stringify!($method), path: $path };
        )*
        /// All of them.
        #[cfg(test)]
        pub(crate) const ALL: &[Endpoint] = &[$($name),*];
    };
}

endpoints! {
    LOGIN = POST "/api/auth/login";
    REFRESH = POST "/api/auth/refresh";
    LOGOUT = POST "/api/auth/logout";
    ME = GET "/api/auth/me";
    PROVIDER_PRESETS = GET "/api/providers/presets";
    PROVIDER_TEST = POST "/api/providers/{name}/test";
    PROVIDER_OFFER = GET "/api/providers/{name}/models";
    PROVIDER_ADOPT = POST "/api/providers/{name}/models";
    PRESET_APPLY = POST "/api/presets/{name}/apply";
    SWITCH = POST "/switch_model";
    CURRENT = GET "/config";
    MODELS = GET "/models";
    STATS_SUMMARY = GET "/api/stats/summary";
    LOGS = GET "/api/logs";
    LOG = GET "/api/logs/{id}";
    HEALTH = GET "/api/health";
    HEALTH_CHECK = POST "/api/health/check";
    SYSTEM = GET "/api/system";
    LOG_TAIL = GET "/api/logs/tail";
    POOL_EVENTS = GET "/api/key-pools/events";
    PRESET_LIST = GET "/api/presets";
    CLIENT_KEY_MAKE = POST "/api/api-keys";
}
