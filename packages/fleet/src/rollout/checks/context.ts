// What a check is given: one statement, and what the file made before it.
import type { Node } from '../migration/parser.ts'
import type { Check } from '../migration/problem.ts'

export interface CheckedStatement {
  readonly kind: string
  readonly node: Node
  readonly text: string
}

/** Tables and types that the same file creates: nobody uses them yet, so nothing about them is dangerous. */
export interface Made {
  readonly relations: ReadonlySet<string>
  readonly functions: ReadonlySet<string>
}

/** What a check found. Where: bytes from the start of the file, or -1 for the whole statement. */
export interface Found {
  readonly check: Check
  readonly at: number
  readonly message: string
  readonly instead: string
  readonly onlyIfLarge?: string
}
