// Functions that run as who made them. Migrations run as a login that row security does not hold: in the tables that many
// share such a function shows whoever may call it the rows of all, and EXECUTE is everybody's from the start. A first wave of
// homes of their own does not notice, since there the same function shows the rows of one.
import { kindsOf, namesOf, nodeAt, stringAt } from '../migration/tree.ts'
import type { CheckedStatement, Found } from './context.ts'

export function findDefiners({ kind, node }: CheckedStatement): Found[] {
  if (kind !== 'CreateFunctionStmt' && kind !== 'AlterFunctionStmt') return []
  const options = kindsOf(kind === 'CreateFunctionStmt' ? node['options'] : node['actions'])
  const runsAsOwner = options.some(
    ([, option]) =>
      stringAt(option, 'defname') === 'security' && nodeAt(nodeAt(option, 'arg'), 'Boolean')['boolval'] === true,
  )
  if (!runsAsOwner) return []
  const name = namesOf(kind === 'CreateFunctionStmt' ? node['funcname'] : nodeAt(node, 'func')['objname']).at(-1) ?? ''
  return [
    {
      check: 'definer_function',
      at: -1,
      message: `${name}() would run as who migrates, whom row security does not hold, for whoever may call it.`,
      instead:
        'Leave SECURITY DEFINER out: it then sees what its caller sees. Where it must stay, revoke EXECUTE from public and ask inside who calls.',
    },
  ]
}
