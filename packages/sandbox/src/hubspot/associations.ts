// Who belongs to whom in one portal: labelled edges between records, always kept in both directions.
// Owns the type ids and the rule of one primary company per contact; must not know routes. Changing an
// association does not move a record's modification date, as in HubSpot.
// Type ids: https://developers.hubspot.com/docs/api-reference/crm-associations-v4/guide
import type { Shelf, Store } from '../store/store.ts'
import { invalid } from './errors.ts'
import type { ObjectType } from './object-types.ts'

export interface AssociationSpec {
  readonly associationCategory: string
  readonly associationTypeId: number
}

export interface AssociatedRecord {
  readonly id: string
  readonly typeIds: readonly number[]
}

export interface AssociationChange {
  readonly fromType: ObjectType
  readonly fromId: string
  readonly toType: ObjectType
  readonly toId: string
  readonly removed: boolean
  readonly primary: boolean
}

export interface AssociationType {
  readonly id: number
  readonly inverse: number
  readonly primary: boolean
  /** The v3 name. */
  readonly name: string
  readonly label: string | null
}

const types: Readonly<Record<string, readonly AssociationType[]>> = {
  'contacts>companies': [
    { id: 1, inverse: 2, primary: true, name: 'contact_to_company', label: 'Primary' },
    { id: 279, inverse: 280, primary: false, name: 'contact_to_company_unlabeled', label: null },
  ],
  'companies>contacts': [
    { id: 2, inverse: 1, primary: true, name: 'company_to_contact', label: 'Primary' },
    { id: 280, inverse: 279, primary: false, name: 'company_to_contact_unlabeled', label: null },
  ],
}

/** The association types between two object types, the primary one first. Throws HubSpot's 400 when there are none. */
export function associationTypes(from: ObjectType, to: ObjectType): readonly AssociationType[] {
  const known = types[`${from}>${to}`]
  if (!known) throw invalid(`No association types exist from ${from} to ${to}`)
  return known
}

/** The type with this id or v3 name. Throws HubSpot's 400 when it does not fit the pair. */
export function associationType(from: ObjectType, to: ObjectType, idOrName: number | string): AssociationType {
  const found = associationTypes(from, to).find(({ id, name }) => id === idOrName || name === idOrName)
  if (!found) throw invalid(`${idOrName} is not a valid association type between ${from} and ${to}`)
  return found
}

export class Associations {
  readonly #edges: Shelf<number[]>
  /** 'contacts>companies' → id → id → type ids. */
  readonly #adjacent = new Map<string, Map<string, Map<string, number[]>>>()
  readonly #changed: (change: AssociationChange) => void

  constructor(account: string, store: Store, changed: (change: AssociationChange) => void) {
    this.#changed = changed
    this.#edges = store.shelf(account, 'association')
    for (const [key, typeIds] of this.#edges.entries()) {
      const [pair = '', from = '', to = ''] = key.split(' ')
      this.#of(pair, from).set(to, typeIds)
    }
  }

  /** What the record is associated with, oldest association first. */
  list(fromType: ObjectType, fromId: string, toType: ObjectType): AssociatedRecord[] {
    associationTypes(fromType, toType)
    const associated = this.#adjacent.get(`${fromType}>${toType}`)?.get(fromId)
    return [...(associated ?? [])].map(([id, typeIds]) => ({ id, typeIds }))
  }

  /** Adds types to the pair. The first company of a contact becomes its primary one; a new primary replaces the old. */
  add(fromType: ObjectType, fromId: string, toType: ObjectType, toId: string, typeIds: readonly number[]): number[] {
    const wanted = typeIds.map((id) => associationType(fromType, toType, id))
    const [contactId, companyId] = fromType === 'contacts' ? [fromId, toId] : [toId, fromId]
    const companies = this.#of('contacts>companies', contactId)
    const becomesPrimary = companies.size === 0 || wanted.some(({ primary }) => primary)
    if (becomesPrimary) this.#demote(contactId, companyId)
    const primaryId = associationTypes(fromType, toType).find(({ primary }) => primary)!.id
    const plainId = associationTypes(fromType, toType).find(({ primary }) => !primary)!.id
    const before = this.#of(`${fromType}>${toType}`, fromId).get(toId) ?? []
    const after = [...new Set([...(becomesPrimary ? [primaryId] : []), ...before, plainId])].sort((a, b) => a - b)
    this.#put(fromType, fromId, toType, toId, after)
    if (after.length !== before.length) {
      this.#changed({ fromType, fromId, toType, toId, removed: false, primary: becomesPrimary })
    }
    return after
  }

  /** Removes the pair, or only some of its types; without its plain type a pair is gone. */
  remove(fromType: ObjectType, fromId: string, toType: ObjectType, toId: string, typeIds?: readonly number[]): void {
    const before = this.#of(`${fromType}>${toType}`, fromId).get(toId)
    if (!before) return
    const plain = associationTypes(fromType, toType).find(({ primary }) => !primary)!
    const whole = typeIds === undefined || typeIds.includes(plain.id)
    this.#put(fromType, fromId, toType, toId, whole ? [] : before.filter((id) => !typeIds.includes(id)))
    this.#changed({ fromType, fromId, toType, toId, removed: true, primary: before.length > 1 })
  }

  /** Removes every association of a record. */
  removeAll(type: ObjectType, id: string): void {
    const other = otherType(type)
    for (const { id: otherId } of this.list(type, id, other)) this.remove(type, id, other, otherId)
  }

  /** The contact's primary company. */
  primaryCompany(contactId: string): string | undefined {
    return this.list('contacts', contactId, 'companies').find(({ typeIds }) => typeIds.includes(1))?.id
  }

  clear(): void {
    this.#edges.clear()
    this.#adjacent.clear()
  }

  #demote(contactId: string, exceptCompanyId: string): void {
    const current = this.primaryCompany(contactId)
    if (current !== undefined && current !== exceptCompanyId)
      this.#put('contacts', contactId, 'companies', current, [279])
  }

  #put(fromType: ObjectType, fromId: string, toType: ObjectType, toId: string, typeIds: number[]): void {
    const inverse = typeIds.map((id) => associationType(fromType, toType, id).inverse)
    for (const [from, id, to, otherId, ids] of [
      [fromType, fromId, toType, toId, typeIds],
      [toType, toId, fromType, fromId, inverse],
    ] as const) {
      const key = `${from}>${to} ${id} ${otherId}`
      const associated = this.#of(`${from}>${to}`, id)
      if (ids.length === 0) {
        associated.delete(otherId)
        this.#edges.delete(key)
      } else {
        associated.set(otherId, ids)
        this.#edges.set(key, ids)
      }
    }
  }

  #of(pair: string, id: string): Map<string, number[]> {
    const all = this.#adjacent.get(pair) ?? new Map<string, Map<string, number[]>>()
    this.#adjacent.set(pair, all)
    const associated = all.get(id) ?? new Map<string, number[]>()
    all.set(id, associated)
    return associated
  }
}

export function otherType(type: ObjectType): ObjectType {
  return type === 'contacts' ? 'companies' : 'contacts'
}
