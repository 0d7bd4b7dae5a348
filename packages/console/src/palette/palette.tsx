// ⌘K: opens any organization or page, runs any action. Organizations come from the list that is
// loaded; where it is incomplete, the server searches.
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { Command } from 'cmdk'
import { useDeferredValue, useEffect, useState } from 'react'
import type { JSX } from 'react'
import { Dialog, Modal, ModalOverlay } from 'react-aria-components'
import { client, meQuery } from '../app/api.ts'
import { setTheme, themes } from '../app/theme.ts'
import { tabs } from '../activity/search.ts'
import { groupWords, groups } from '../organizations/overview.ts'
import { HouseMark } from '../parts/marks.tsx'
import { ConnectionStatus } from '../parts/parts.tsx'
import { signOut } from '../session/sign-out.ts'

const SHOWN_MAX = 8
const row = 'flex h-9 cursor-pointer items-center gap-3 rounded-md px-3 data-[selected=true]:bg-sunken'
const group =
  '[&_[cmdk-group-heading]]:px-3 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-xs [&_[cmdk-group-heading]]:text-ink-3'
const tabNames = {
  activity: 'Activity',
  'dead-letters': 'Dead letters',
  conflicts: 'Conflicts',
  log: 'Log',
  load: 'Load',
  members: 'Members',
  settings: 'Settings',
}

export function Palette({ onClose }: { onClose: () => void }): JSX.Element {
  const [wanted, setWanted] = useState('')
  const search = useDeferredValue(wanted.trim())
  const navigate = useNavigate()
  const { organizationId } = useParams({ strict: false })
  const { data: me } = useQuery(meQuery)
  const { data, isError } = useQuery({
    queryKey: ['palette', search],
    queryFn: ({ signal }) =>
      client.listOrganizations({ query: { limit: SHOWN_MAX, ...(search !== '' && { search }) }, signal }),
    placeholderData: (old) => old,
  })
  const then = (act: () => unknown) => (): void => {
    onClose()
    act()
  }
  const found = (words: string): boolean => words.toLowerCase().includes(search.toLowerCase())
  const organizations = (data?.items ?? []).filter(({ name, slug }) => found(`${name} ${slug}`))
  const actions = [
    { name: 'Go to organizations', run: () => navigate({ to: '/', search: {} }) },
    { name: 'Go to alerts', run: () => navigate({ to: '/alerts', search: {} }) },
    ...(me?.actor.kind === 'operator'
      ? [
          { name: 'Go to load', run: () => navigate({ to: '/load', search: {} }) },
          { name: 'Go to isolation', run: () => navigate({ to: '/isolation', search: {} }) },
          { name: 'Go to rollouts', run: () => navigate({ to: '/rollouts' }) },
          { name: 'Go to clusters', run: () => navigate({ to: '/clusters' }) },
          { name: 'Go to plans', run: () => navigate({ to: '/plans' }) },
        ]
      : []),
    ...groups.map((show) => ({
      name: `Organizations: ${groupWords[show].toLowerCase()}`,
      run: () => navigate({ to: '/', search: { show } }),
    })),
    ...(organizationId === undefined
      ? []
      : [
          ...tabs.map((tab) => ({
            name: `This organization: ${tabNames[tab].toLowerCase()}`,
            run: () => navigate({ to: '/organizations/$organizationId', params: { organizationId }, search: { tab } }),
          })),
          { name: 'Copy the id of this organization', run: () => navigator.clipboard.writeText(organizationId) },
        ]),
    ...themes.map((theme) => ({ name: `Theme: ${theme}`, run: () => setTheme(theme) })),
    { name: 'Sign out', run: () => signOut() },
  ].filter(({ name }) => found(name))
  // Whatever was typed last, enter takes the first of what is found.
  const first = organizations[0]?.id ?? actions[0]?.name ?? ''
  const [chosen, setChosen] = useState(first)
  useEffect(() => setChosen(first), [first])
  return (
    <ModalOverlay
      isOpen
      isDismissable
      onOpenChange={(open) => !open && onClose()}
      className="appear fixed inset-0 z-50 bg-black/25"
    >
      <Modal className="mx-auto mt-[12vh] w-[min(600px,calc(100vw-24px))] overflow-hidden rounded-xl border border-line bg-raised shadow-lifted">
        <Dialog aria-label="Search or run" className="outline-none">
          <Command value={chosen} onValueChange={setChosen} shouldFilter={false} label="Search or run" loop>
            <Command.Input
              // oxlint-disable-next-line jsx-a11y/no-autofocus -- the dialog was opened to type
              autoFocus
              value={wanted}
              onValueChange={setWanted}
              placeholder="An organization, a page, an action"
              className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none"
            />
            <Command.List className="max-h-[50vh] overflow-y-auto p-1.5">
              <Command.Empty className="px-3 py-6 text-ink-2">
                {isError ? 'The server does not answer.' : 'Nothing has this name.'}
              </Command.Empty>
              {organizations.length > 0 && (
                <Command.Group heading="Organizations" className={group}>
                  {organizations.map(({ id, name, slug, isolation, connection }) => (
                    <Command.Item
                      key={id}
                      value={id}
                      className={row}
                      onSelect={then(() =>
                        navigate({ to: '/organizations/$organizationId', params: { organizationId: id }, search: {} }),
                      )}
                    >
                      <HouseMark isolation={isolation} />
                      <span className="truncate">{name}</span>
                      <span className="code truncate text-ink-3 max-md:hidden">{slug}</span>
                      <span className="ml-auto text-xs">
                        {connection !== null && <ConnectionStatus state={connection.state} />}
                      </span>
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
              {actions.length > 0 && (
                <Command.Group heading="Pages and actions" className={group}>
                  {actions.map(({ name, run }) => (
                    <Command.Item key={name} value={name} className={row} onSelect={then(run)}>
                      {name}
                    </Command.Item>
                  ))}
                </Command.Group>
              )}
            </Command.List>
          </Command>
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}
