// The registry is the folders: nothing is listed by hand, so nothing is forgotten.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { connectors } from './registry.ts'

const folders = readdirSync(import.meta.dirname).filter(
  (name) => name !== 'kit' && existsSync(join(import.meta.dirname, name, 'index.ts')),
)

it('has each folder as the connector of its name', () => {
  expect([...connectors.keys()].toSorted()).toEqual(folders.toSorted())
})

it('has connectors that know their own name, and have tests beside them', () => {
  for (const [id, connector] of connectors) {
    expect(connector.describe().id).toBe(id)
    expect(existsSync(join(import.meta.dirname, id, `${id}.test.ts`))).toBe(true)
  }
})
