#!/usr/bin/env node
// Node 22.18 and newer run the sources as they are. An older Node hands over to the one that npm installed
// beside this package; the channel between them ends the younger one should the older be killed.
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major > 22 || (major === 22 && minor >= 18)) {
  await import('../src/main.ts')
} else {
  let node
  try {
    node = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
  } catch {
    process.stderr.write(
      `error[invalid_option]: Node ${process.versions.node} is too old.\n  hint: Use Node 22.18 or newer, or: npm install node@24\n`,
    )
    process.exit(2)
  }
  const child = spawn(node, [import.meta.filename, ...process.argv.slice(2)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  if (process.env.npm_lifecycle_event !== undefined) {
    // Whoever npm started asks whether its parent is gone (src/end-request.ts); for the younger one that is this process.
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.ppid === parent) return
      clearInterval(watch)
      child.kill('SIGTERM')
    }, 500)
    watch.unref()
  }
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 1))
}
