// What a token may do. A policy is read from HCL as far as paths and capabilities go; a path ends in * or names itself, and
// + stands for one segment. The most exact path decides.

export type Policy = readonly { readonly path: string; readonly capabilities: readonly string[] }[]

/** What the policy `default` gives, as far as it is asked here. */
export const defaultPolicy: Policy = [
  { path: 'auth/token/lookup-self', capabilities: ['read'] },
  { path: 'auth/token/renew-self', capabilities: ['update'] },
  { path: 'auth/token/revoke-self', capabilities: ['update'] },
  { path: 'sys/capabilities-self', capabilities: ['update'] },
  { path: 'sys/internal/ui/mounts/*', capabilities: ['read'] },
]

export function parsePolicy(hcl: string): Policy {
  return [...hcl.matchAll(/path\s+"([^"]+)"\s*\{[^}]*capabilities\s*=\s*\[([^\]]*)\]/g)].map(
    ([, path = '', list = '']) => ({
      path,
      capabilities: [...list.matchAll(/"([^"]+)"/g)].map(([, name = '']) => name),
    }),
  )
}

const toPattern = (path: string): RegExp =>
  new RegExp(
    `^${path
      .replaceAll(/[.^$()|[\]{}\\?]/g, String.raw`\$&`)
      .replaceAll('+', '[^/]+')
      .replace(/\*$/, '.*')}$`,
  )

/** Null is root. */
export function capabilitiesOf(policies: readonly Policy[] | null, path: string): readonly string[] {
  if (policies === null) return ['root']
  const rules = policies
    .flat()
    .filter((rule) => toPattern(rule.path).test(path))
    .toSorted((a, b) => weight(b.path) - weight(a.path))
  const [best] = rules
  if (best === undefined) return ['deny']
  const same = rules.filter(({ path: named }) => named === best.path).flatMap(({ capabilities }) => capabilities)
  return same.includes('deny') ? ['deny'] : [...new Set(same)].toSorted()
}

/** What has no wildcard is most exact; then what is longest before its first. */
const weight = (path: string): number => {
  const first = path.search(/[*+]/)
  return first === -1 ? Number.POSITIVE_INFINITY : first
}
