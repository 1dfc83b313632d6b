/// <reference types="@sveltejs/kit" />
/// <reference no-default-lib="true"/>
/// <reference lib="esnext" />
/// <reference lib="webworker" />
/**
 * Keeps the files whose names carry a digest, so that the interface opens at once. The page itself and everything
 * of the API always come from the hub: what is kept can be neither old nor somebody else's.
 */
import { base, build, version } from '$service-worker';

const worker = globalThis.self as unknown as ServiceWorkerGlobalScope;
const CACHE = `bridge-${version}`;
const KEPT = new Set(build.filter((path) => path.startsWith(`${base}/_app/immutable/`)));

worker.addEventListener('install', () => void worker.skipWaiting());

worker.addEventListener('activate', (event) => {
  const clear = async () => {
    for (const name of await caches.keys()) if (name !== CACHE) await caches.delete(name);
    await worker.clients.claim();
  };
  event.waitUntil(clear());
});

worker.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin || !KEPT.has(url.pathname)) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    const kept = await cache.match(url.pathname);
    if (kept) return kept;
    const fresh = await fetch(request);
    if (fresh.ok) await cache.put(url.pathname, fresh.clone());
    return fresh;
  };
  event.respondWith(answer());
});
