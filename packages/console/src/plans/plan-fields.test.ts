import { expect, it } from 'vitest'
import { planOf } from '../../dev/plans.ts'
import { planTextsOf, readPlan } from './plan-fields.ts'

const team = planOf('team')
const texts = planTextsOf(team)

it('sends what is other than before, and nothing else', () => {
  expect(readPlan(texts, team, ['team'])).toMatchObject({ id: 'team', changes: {}, isWrong: false })
  const changed = {
    ...texts,
    name: '  Crew ',
    region: 'eu-central',
    limits: { ...texts.limits, concurrencyMax: '', connectionsMax: '7' },
  }
  expect(readPlan(changed, team, ['team']).changes).toEqual({
    name: 'Crew',
    region: 'eu-central',
    concurrencyMax: null,
    connectionsMax: 7,
  })
  expect(readPlan({ ...texts, region: '' }, { ...team, region: 'eu' }, []).changes).toEqual({ region: null })
})

it('refuses an id that is none, and one that another plan has', () => {
  const blank = planTextsOf(null)
  expect(readPlan({ ...blank, id: 'Team!' }, null, ['team']).problems.id).toMatch(/^Lower-case letters/)
  expect(readPlan({ ...blank, id: ' team ' }, null, ['team']).problems.id).toBe('There is a plan with this id.')
  expect(readPlan({ ...blank, id: 'pro' }, null, ['team'])).toMatchObject({
    id: 'pro',
    changes: { isolation: 'shared' },
    isWrong: false,
  })
})

it('names each field that is wrong', () => {
  const wrong = { ...texts, region: 'EU West', limits: { ...texts.limits, idleTimeoutMs: 'soon' } }
  expect(readPlan(wrong, team, [])).toMatchObject({
    isWrong: true,
    problems: { region: expect.stringMatching(/^Lower-case/), limits: { idleTimeoutMs: expect.any(String) } },
  })
})
