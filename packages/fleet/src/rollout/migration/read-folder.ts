// The folder of tenant migrations, as files. It knows names and order; what is in a file is prepare.ts's affair.
import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { RowhouseError } from '@rowhouse/contracts'

/** As `supabase migration new` and `rowhouse migrate new` name them. */
const FILE = /^(?<version>\d{14})_(?<name>.+)\.sql$/
const FILES_MAX = 10_000
const FILE_BYTES_MAX = 1024 * 1024

export interface MigrationFile {
  /** `yyyyMMddHHmmss`; the order in which migrations are applied. */
  readonly version: string
  readonly name: string
  readonly sql: string
  /** SHA-256 of the text, hex; line ends and a byte order mark make no difference. */
  readonly checksum: string
}

export const fileNameOf = ({ version, name }: Pick<MigrationFile, 'version' | 'name'>): string =>
  `${version}_${name}.sql`

/** From text, such as a row of the ledger. */
export function migrationFile(version: string, name: string, text: string): MigrationFile {
  const sql = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n')
  return { version, name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
}

/**
 * Reads `<14 digits>_<name>.sql`, in order. Other files than `.sql` are left alone.
 *
 * @throws RowhouseError migration_invalid for a folder that cannot be read, a name that is none, a version that two files
 *   have, and text that is no UTF-8
 */
export async function readMigrationFolder(folder: string): Promise<MigrationFile[]> {
  const names = (await listFolder(folder)).filter((name) => name.endsWith('.sql')).toSorted()
  if (names.length > FILES_MAX) throw invalid(folder, `holds ${names.length} migrations; ${FILES_MAX} is the most.`)
  const files: MigrationFile[] = []
  for (const file of names) {
    const { version, name } = FILE.exec(file)?.groups ?? {}
    if (version === undefined || name === undefined) {
      throw invalid(join(folder, file), 'is not named as a migration.', 'Name it 20260131120000_what_it_does.sql.')
    }
    if (files.at(-1)?.version === version) {
      throw invalid(join(folder, file), `has the version of ${fileNameOf(files.at(-1) as MigrationFile)}.`)
    }
    files.push(migrationFile(version, name, await readText(join(folder, file))))
  }
  return files
}

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RowhouseError('migration_invalid', `The folder ${folder} cannot be read: ${reason}`, {
      cause,
      hint: 'Name it with --dir, or begin with rowhouse migrate new.',
    })
  }
}

async function readText(path: string): Promise<string> {
  const bytes = await readFile(path)
  if (bytes.length > FILE_BYTES_MAX) throw invalid(path, `has ${bytes.length} bytes; ${FILE_BYTES_MAX} is the most.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw invalid(path, 'is no UTF-8.')
  }
}

const invalid = (path: string, what: string, hint = 'Rename or mend the file.'): RowhouseError =>
  new RowhouseError('migration_invalid', `${path} ${what}`, { hint, details: { path } })
