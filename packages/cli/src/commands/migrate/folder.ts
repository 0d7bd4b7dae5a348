// Where migrations are when nobody says where.
import { existsSync } from 'node:fs'
import { join } from 'node:path'

const SUPABASE = join('supabase', 'migrations')

/** supabase/migrations where that exists, else migrations. */
export const migrationFolder = (given: string | undefined): string =>
  given ?? (existsSync(SUPABASE) ? SUPABASE : 'migrations')
