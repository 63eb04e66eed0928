import { defineConfig } from 'vite'
import { accessibleTabs } from './accessible-tabs.js'
import { recordModules, writeManifest } from './manifest.js'

// Names carry a digest of the content, so the server may let browsers keep each file for ever; `base: './'` leaves the
// address under which the files are served to the server.
export default defineConfig({
  base: './',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic' } },
  plugins: [accessibleTabs(), recordModules(), writeManifest()],
  worker: { format: 'es', plugins: () => [recordModules()] },
  build: {
    outDir: process.env.EXPLORER_OUT ?? '../gateway/portal/static/explorer',
    assetsDir: '',
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      input: { explorer: 'src/main.jsx' },
      // "use client" speaks to frameworks that render on a server; nothing here does.
      onwarn: (warning, warn) => warning.code === 'MODULE_LEVEL_DIRECTIVE' || warn(warning),
    },
  },
})
