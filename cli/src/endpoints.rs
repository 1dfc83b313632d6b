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
    KEYS = GET "/api/key-pools/{name}/keys";
    KEYS_ADD = POST "/api/key-pools/{name}/keys";
    KEYS_TEST = POST "/api/key-pools/{name}/test";
    KEYS_RESET = POST "/api/key-pools/{name}/reset";
    KEY_UPDATE = PUT "/api/key-pools/{name}/keys/{id}";
    KEY_ENABLE = POST "/api/key-pools/{name}/keys/{id}/enable";
    KEY_DISABLE = POST "/api/key-pools/{name}/keys/{id}/disable";
    KEY_RESET = POST "/api/key-pools/{name}/keys/{id}/reset";
    KEY_TEST = POST "/api/key-pools/{name}/keys/{id}/test";
    KEY_DELETE = DELETE "/api/key-pools/{name}/keys/{id}";
    ROUTE_TEST = POST "/api/routes/test";
    ROUTE_VERSIONS = GET "/api/routes/{name}/versions";
    ROUTE_ROLLBACK = POST "/api/routes/{name}/rollback";
    ROUTE_MOVE = POST "/api/routes/{name}/move";
    PRESET_APPLY = POST "/api/presets/{name}/apply";
    SWITCH = POST "/switch_model";
    CURRENT = GET "/config";
    MODELS = GET "/models";
    MAPPINGS = GET "/debug_logs";
    CATALOGUE_MODELS = GET "/api/models";
    PRICE = GET "/api/models/price";
    CATALOGUE = GET "/api/models/catalogue";
    CATALOGUE_SET = PUT "/api/models/catalogue";
    CATALOGUE_RESET = DELETE "/api/models/catalogue";
    KEY_ROTATE = POST "/api/api-keys/{id}/rotate";
    USER_ROLE = PUT "/api/users/{id}/role";
    USER_PASSWORD = POST "/api/users/{id}/password";
    USER_SESSIONS = GET "/api/users/{id}/sessions";
    USER_SESSIONS_END = DELETE "/api/users/{id}/sessions";
    USER_BOUNDS = GET "/api/users/{id}/key-bounds";
    USER_BOUNDS_SET = PUT "/api/users/{id}/key-bounds";
    PASSWORD = POST "/api/auth/password";
    SESSIONS = GET "/api/auth/sessions";
    SESSIONS_END = DELETE "/api/auth/sessions";
    SESSION_END = DELETE "/api/auth/sessions/{id}";
    STATS_REQUESTS = GET "/api/stats/requests";
    STATS_TOKENS = GET "/api/stats/token-usage";
    STATS_SUMMARY = GET "/api/stats/summary";
    BACKUP = POST "/api/system/backup";
    VACUUM = POST "/api/system/vacuum";
    LOGS = GET "/api/logs";
    LOG = GET "/api/logs/{id}";
    LOG_DELETE = DELETE "/api/logs/{id}";
    LOGS_EXPORT = GET "/api/logs/export";
    LOGS_SETTINGS = GET "/api/logs/settings";
    LOGS_SETTINGS_SET = PUT "/api/logs/settings";
    LOGS_SWEEP = POST "/api/logs/sweep";
    HEALTH = GET "/api/health";
    HEALTH_CHECK = POST "/api/health/check";
    HEALTH_BREAKERS = GET "/api/health/breakers";
    HEALTH_OF = GET "/api/health/{name}";
    HEALTH_CHECK_OF = POST "/api/health/{name}/check";
    HEALTH_HISTORY = GET "/api/health/{name}/history";
    HEALTH_RESET = POST "/api/health/{name}/reset";
    CONFIG = GET "/api/config";
    CONFIG_SET = PUT "/api/config";
    CONFIG_HISTORY = GET "/api/config/history";
    CONFIG_EXPORT = GET "/api/config/export";
    CONFIG_DIFF = POST "/api/config/diff";
    CONFIG_IMPORT = POST "/api/config/import";
    MESSAGES = GET "/api/conversations/{id}/messages";
    MESSAGES_ADD = POST "/api/conversations/{id}/messages";
    CONVERSATION_DELETE = DELETE "/api/conversations/{id}";
    CONVERSATION_EXPORT = GET "/api/conversations/{id}/export";
    CONVERSATIONS_EXPORT = GET "/api/conversations/export";
    CONVERSATIONS_IMPORT = POST "/api/conversations/import";
    HISTORY_STATUS = GET "/conversation/status";
    HISTORY_ENABLE = POST "/conversation/enable";
    HISTORY_CONTINUE = POST "/conversation/continue";
    HISTORY_FORGET = DELETE "/conversation";
    AUDIT = GET "/api/audit";
    SYSTEM = GET "/api/system";
    TALKS = GET "/api/conversations";
    LOG_TAIL = GET "/api/logs/tail";
    POOL_EVENTS = GET "/api/key-pools/events";
    PRESET_LIST = GET "/api/presets";
    CLIENT_KEY_MAKE = POST "/api/api-keys";
}
