// A process of its own that looks after former homes and is killed before a step that the test names: what a crash looks like.
import { openFleet } from '../provision/open-fleet.ts'
import { testEncryptionKey, testMigrations } from '../provision/test-migrations.ts'

const [catalogueUrl, signingKey, stopAt] = process.argv.slice(2) as [string, string, string]
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
await fleet.keepRetired()
await fleet.close()
