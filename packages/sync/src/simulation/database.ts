// An organization's home in memory: rows, a change log whose transactions commit late, links, marks and
// deliveries. A call of a method is a transaction.
import type { FieldValue, FieldValues } from '@rowhouse/connectors'
import type { MergeConflict } from '../merge/merge.ts'
import type { Link, Pending } from '../plan/link.ts'

/** An update whose effect on others was not looked at. */
export interface Unexamined {
  readonly rowId: string
  readonly remoteId: string
  readonly sent: FieldValues
  readonly priorVersion: string
}

interface Change {
  readonly rowId: string
  readonly origin: 'person' | 'sync'
  visible: boolean
  /** Applied when it commits. */
  readonly apply: () => void
}

export class Database {
  readonly rows = new Map<string, Record<string, FieldValue>>()
  readonly log: Change[] = []
  readonly read = new Set<Change>()
  readonly links: Link[] = []
  readonly marksOut = new Map<string, number>()
  readonly marksIn = new Map<string, number>()
  readonly pending = new Map<string, Pending & { readonly priorVersion: string | null }>()
  readonly conflicts: MergeConflict[] = []
  readonly unexamined = new Set<Unexamined>()
  pollPosition = 0
  epoch = 0
  #generation = 0

  /** A person's write, which commits when `commit` is called: in any order. */
  begin(rowId: string, apply: () => void): Change {
    const change: Change = { rowId, origin: 'person', visible: false, apply }
    this.log.push(change)
    return change
  }

  commit(change: Change): void {
    if (change.visible) return
    change.apply()
    change.visible = true
  }

  writeRow(rowId: string, fields: FieldValues): void {
    this.rows.set(rowId, { ...(this.rows.get(rowId) ?? { a: null, b: null }), ...fields })
    this.log.push({ rowId, origin: 'sync', visible: true, apply: () => {} })
  }

  deleteRow(rowId: string): void {
    this.rows.delete(rowId)
    this.log.push({ rowId, origin: 'sync', visible: true, apply: () => {} })
  }

  /** What is visible and was not read. */
  unread(): Change[] {
    return this.log.filter((change) => change.visible && !this.read.has(change))
  }

  markOut(rowId: string): void {
    this.marksOut.set(rowId, ++this.#generation)
  }

  markIn(remoteId: string): void {
    this.marksIn.set(remoteId, ++this.#generation)
  }

  saveLink(before: Link | null, after: Link): void {
    const index = before === null ? -1 : this.links.indexOf(before)
    if (index < 0) this.links.push(after)
    else this.links[index] = after
  }

  linkOfRow = (rowId: string): Link | null => this.links.find(({ localId }) => localId === rowId) ?? null
  linkOfRecord = (id: string): Link | null => this.links.find(({ remoteId }) => remoteId === id) ?? null
  linkOfToken = (token: string | null): Link | null =>
    token === null
      ? null
      : (this.links.find(({ createToken, remoteId }) => createToken === token && remoteId === null) ?? null)
}
