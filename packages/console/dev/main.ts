// Runs the console with hot reload over made-up data: node packages/console/dev/main.ts
import { createServer } from 'vite'
import { startFixtureServer } from './fixture-server.ts'

const fixture = await startFixtureServer({ organizations: Number(process.argv[2] ?? 12) })
process.env['ROWHOUSE_CONSOLE_API'] = fixture.url
const vite = await createServer({ configFile: `${import.meta.dirname}/../vite.config.ts` })
await vite.listen()
vite.printUrls()
