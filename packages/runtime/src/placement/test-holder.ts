// A process of its own that enters an organization, says so, and holds its transaction until it is killed.
import { createRowhouse } from '../index.ts'

const [url, signingKey, organizationId, userId] = process.argv.slice(2) as [string, string, string, string]
const rowhouse = createRowhouse({ url, signingKey })
await rowhouse.as({ organizationId, userId }).transaction(async (tx) => {
  await tx.query('select 1')
  process.stdout.write('held\n')
  await new Promise((resolve) => {
    setTimeout(resolve, 600_000)
  })
})
