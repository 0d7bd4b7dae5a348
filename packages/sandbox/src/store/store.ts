// All state of the sandbox: named shelves of keyed values per account, held in memory and written
// through to one SQLite table. Owns durability: what a request changed is committed in one
// transaction before the request is answered, so kill -9 leaves whole requests only. It must not know
// what the values mean. The table is loaded once, at opening; reads never touch SQLite.
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { StatementSync } from 'node:sqlite'

interface Change {
  readonly account: string
  readonly shelf: string
  readonly key: string
  readonly value: unknown
}

const deleted = Symbol('deleted')

export class Store {
  readonly #shelves = new Map<string, Map<string, unknown>>()
  readonly #changes = new Map<string, Change>()
  readonly #disk: Disk | undefined

  constructor(dataFile?: string) {
    if (dataFile === undefined) return
    this.#disk = openDisk(dataFile)
    for (const row of this.#disk.rows()) this.#entries(row.account, row.shelf).set(row.key, JSON.parse(row.value))
  }

  /** The shelf `name` of `account` ('' for what belongs to no account). */
  shelf<T>(account: string, name: string): Shelf<T> {
    const entries = this.#entries(account, name) as Map<string, T>
    const record = (key: string, value: unknown): void => {
      if (this.#disk) this.#changes.set(`${account}\n${name}\n${key}`, { account, shelf: name, key, value })
    }
    return new Shelf(entries, record)
  }

  /** The next number of a sequence, from 1. */
  next(account: string, name: string): number {
    const sequences = this.shelf<number>(account, 'sequence')
    const value = (sequences.get(name) ?? 0) + 1
    sequences.set(name, value)
    return value
  }

  /** Writes what changed since the last commit, in one transaction. */
  commit(): void {
    if (!this.#disk || this.#changes.size === 0) return
    const { database, upsert, remove } = this.#disk
    database.exec('begin immediate')
    try {
      for (const { account, shelf, key, value } of this.#changes.values()) {
        if (value === deleted) remove.run(account, shelf, key)
        else upsert.run(account, shelf, key, JSON.stringify(value))
      }
      database.exec('commit')
    } catch (error) {
      database.exec('rollback')
      throw error
    }
    this.#changes.clear()
  }

  close(): void {
    this.commit()
    this.#disk?.database.close()
  }

  #entries(account: string, shelf: string): Map<string, unknown> {
    const name = `${account}\n${shelf}`
    const known = this.#shelves.get(name)
    if (known) return known
    const entries = new Map<string, unknown>()
    this.#shelves.set(name, entries)
    return entries
  }
}

/** A map that remembers what changed. After changing a value in place, call `set` again. */
export class Shelf<T> {
  readonly #entries: Map<string, T>
  readonly #record: (key: string, value: unknown) => void

  constructor(entries: Map<string, T>, record: (key: string, value: unknown) => void) {
    this.#entries = entries
    this.#record = record
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: T): void {
    this.#entries.set(key, value)
    this.#record(key, value)
  }

  delete(key: string): void {
    if (this.#entries.delete(key)) this.#record(key, deleted)
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.#record(key, deleted)
    this.#entries.clear()
  }

  values(): MapIterator<T> {
    return this.#entries.values()
  }

  entries(): MapIterator<[string, T]> {
    return this.#entries.entries()
  }
}

interface Disk {
  readonly database: DatabaseSync
  readonly upsert: StatementSync
  readonly remove: StatementSync
  rows(): { account: string; shelf: string; key: string; value: string }[]
}

function openDisk(dataFile: string): Disk {
  mkdirSync(dirname(dataFile), { recursive: true })
  const database = new DatabaseSync(dataFile)
  // WAL with synchronous=normal survives the death of the process, which is what is promised; it may
  // lose the last commits when the machine loses power.
  database.exec(
    'pragma busy_timeout = 1000; pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal',
  )
  database.exec(`create table if not exists entry (
    account text not null, shelf text not null, key text not null, value text not null,
    primary key (account, shelf, key)
  )`)
  return {
    database,
    upsert: database.prepare(
      'insert into entry values (?, ?, ?, ?) on conflict (account, shelf, key) do update set value = excluded.value',
    ),
    remove: database.prepare('delete from entry where account = ? and shelf = ? and key = ?'),
    // rowid order is the order of first insertion, so a shelf has the same order after a restart.
    rows: () => database.prepare('select account, shelf, key, value from entry order by rowid').all() as never,
  }
}
