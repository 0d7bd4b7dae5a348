import { describe, expect, it } from 'vitest'
import { makeDemoRecords } from './records.ts'

describe('demo records', () => {
  it('are the same for the same seed and differ for another', () => {
    const counts = { companies: 20, contacts: 200, deals: 30 }
    expect(makeDemoRecords(1, counts)).toEqual(makeDemoRecords(1, counts))
    expect(makeDemoRecords(1, counts)).not.toEqual(makeDemoRecords(2, counts))
  })

  it('have unique domains and e-mail addresses, and contacts of companies that exist', () => {
    const { companies, contacts, deals } = makeDemoRecords(3, { companies: 50, contacts: 500, deals: 60 })
    expect(new Set(companies.map(({ domain }) => domain)).size).toBe(50)
    expect(new Set(contacts.map(({ email }) => email)).size).toBe(500)
    expect(contacts.every(({ company }) => companies[company] !== undefined)).toBe(true)
    expect(deals).toHaveLength(60)
    expect(deals.every(({ company }) => companies[company] !== undefined)).toBe(true)
    expect(companies.every(({ employees }) => employees >= 1 && employees < 3000)).toBe(true)
  })
})
