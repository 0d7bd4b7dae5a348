// A process of its own that does one thing in a fleet and is killed before a step that the test names: what a crash looks like.
import { openFleet } from './open-fleet.ts'
import { testEncryptionKey, testMigrations } from './test-migrations.ts'

const [catalogueUrl, signingKey, stopAt, job] = process.argv.slice(2) as [
  string,
  string,
  string,
  'schema' | 'database' | 'keep retired',
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
if (job === 'keep retired') await fleet.keepRetired()
else await fleet.createHome({ cluster: 'main', isolation: job, organizationId: null })
await fleet.close()
