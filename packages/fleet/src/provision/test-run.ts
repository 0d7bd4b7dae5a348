// A process of its own that makes one home and is killed before a step that the test names: what a crash looks like.
import { openFleet } from './open-fleet.ts'
import { testEncryptionKey, testMigrations } from './test-migrations.ts'

const [catalogueUrl, signingKey, isolation, stopAt, organizationId] = process.argv.slice(2) as [
  string,
  string,
  'schema' | 'database',
  string,
  string | undefined,
]
const fleet = openFleet({
  catalogueUrl,
  signingKey,
  encryptionKey: testEncryptionKey,
  migrations: testMigrations(),
  beforeStep: async (_home, step) => {
    if (step !== stopAt) return
    process.kill(process.pid, 'SIGKILL')
    await new Promise(() => {})
  },
})
await fleet.createHome({ cluster: 'main', isolation, organizationId: organizationId ?? null })
await fleet.close()
