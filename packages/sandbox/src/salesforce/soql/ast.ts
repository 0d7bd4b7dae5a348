// What a SOQL query is once parsed. Types only.

export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=' | 'LIKE' | 'IN' | 'NOT IN'

export type Literal =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'date'; readonly value: string }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'datetime'; readonly value: number }
  /** TODAY, LAST_N_DAYS:30 and the like: a span of days from the start of today, end exclusive. */
  | { readonly kind: 'days'; readonly from: number; readonly to: number }
  | { readonly kind: 'null' }

export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | {
      readonly kind: 'compare'
      readonly path: string
      readonly comparison: Comparison
      readonly values: readonly Literal[]
    }

export type Selected =
  | { readonly kind: 'field'; readonly path: string }
  | { readonly kind: 'fields'; readonly group: 'ALL' | 'STANDARD' | 'CUSTOM' }
  | {
      readonly kind: 'aggregate'
      readonly name: 'COUNT' | 'MIN' | 'MAX'
      readonly path: string | undefined
      readonly alias: string | undefined
    }

export interface Order {
  readonly path: string
  readonly descending: boolean
  readonly nullsLast: boolean
}

export interface Query {
  readonly selected: readonly Selected[]
  readonly from: string
  readonly where: Condition | undefined
  readonly orders: readonly Order[]
  readonly limit: number | undefined
  readonly offset: number
}
