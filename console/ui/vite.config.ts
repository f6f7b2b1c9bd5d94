import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { tokenSheet } from './design/css.ts';

export default defineConfig({
  plugins: [react(), tokenSheet()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    manifest: true,
    modulePreload: { polyfill: false },
    // budget.mjs is the guard of sizes, in bytes as they are sent
    chunkSizeWarningLimit: 10_000,
    reportCompressedSize: false,
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    proxy: { '/api': process.env.HOALU_URL ?? 'http://127.0.0.1:8080' },
  },
  test: { include: ['**/*.test.{ts,tsx}'], exclude: ['node_modules/**', 'browser/**', 'dist/**'], environment: 'node' },
});
