import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { svelteTesting } from '@testing-library/svelte/vite';
import { defineConfig } from 'vitest/config';

// During development the hub runs beside the page: `BRIDGE_URL=http://127.0.0.1:8000 npm run dev`.
const hub = process.env.BRIDGE_URL ?? 'http://127.0.0.1:8000';
const paths = ['/api', '/v1', '/v1beta', '/health', '/metrics', '/openapi.json', '/docs', '/conversation', '/switch_model', '/config', '/models'];
const proxy = Object.fromEntries(paths.map((path) => [path, hub]));

export default defineConfig({
  plugins: [tailwindcss(), sveltekit(), svelteTesting()],
  server: { proxy },
  preview: { proxy },
  test: { environment: 'jsdom', include: ['src/**/*.test.ts'] }
});
