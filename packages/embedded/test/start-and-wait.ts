// A program that starts Postgres, says where, and lives until it is killed: the tests kill it.
// Argument: the data folder.
import { isRowhouseError } from '@rowhouse/contracts'
import { startPostgres } from '../src/postgres/start.ts'

const [dataDir = ''] = process.argv.slice(2)
const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`)

try {
  const { adminUrl, port, pid } = await startPostgres({ dataDir, durable: false })
  say({ adminUrl, port, pid, uid: process.getuid?.() })
  process.stdin.resume()
} catch (error) {
  if (!isRowhouseError(error)) throw error
  say({ code: error.code, message: error.message, details: error.details })
}
