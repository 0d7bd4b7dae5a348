import { expect, it } from 'vitest'
import { choiceOf, isShorter, readChoice } from './retention.ts'

const plan = { planDays: 400 }
it.each([
  ['plan', '', { days: 400, body: { followPlan: true } }],
  ['ever', '12', { days: null, body: { days: null } }],
  ['days', '30', { days: 30, body: { days: 30 } }],
  ['days', ' 36,500 ', { days: 36_500, body: { days: 36_500 } }],
] as const)('%s %j is %j', (choice, text, wanted) => expect(readChoice(choice, text, plan)).toEqual(wanted))

it.each(['', '29', '36501', '30.5', '1e2', '-90', 'many', '9'.repeat(400)])('says what is wrong with %s', (text) =>
  expect(readChoice('days', text, plan)).toBe('A whole number of days, from 30 to 36,500.'),
)

it('knows whether lines would go', () => {
  expect([isShorter(null, 90), isShorter(90, 30), isShorter(90, 90), isShorter(90, 400), isShorter(90, null)]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
})

it('knows which choice holds', () => {
  expect(
    (
      [
        [400, 'plan'],
        [null, 'organization'],
        [90, 'organization'],
      ] as const
    ).map(([days, source]) => choiceOf({ days, source, ...plan })),
  ).toEqual(['plan', 'ever', 'days'])
})
