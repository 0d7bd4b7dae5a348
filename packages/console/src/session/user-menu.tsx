// Who is signed in, the theme, and the way out.
import { useQuery } from '@tanstack/react-query'
import { Button, Header, Menu, MenuItem, MenuSection, MenuTrigger, Popover, Separator } from 'react-aria-components'
import type { JSX } from 'react'
import { meQuery } from '../app/api.ts'
import { setTheme, themes, useTheme } from '../app/theme.ts'
import { signOut } from './sign-out.ts'

const item =
  'flex h-8 cursor-pointer items-center justify-between rounded-sm px-2 outline-none data-[focused]:bg-sunken'

export function UserMenu(): JSX.Element {
  const { data: me } = useQuery(meQuery)
  const theme = useTheme()
  const person = me?.actor.kind === 'user' ? me.actor : null
  const name = person === null ? 'Operator' : (person.name ?? person.email ?? 'You')
  const initials = name
    .split(/[\s@.]+/)
    .map((part) => part[0])
    .slice(0, 2)
    .join('')
    .toUpperCase()
  return (
    <MenuTrigger>
      <Button
        aria-label={`${name}: theme and sign out`}
        className="flex size-8 items-center justify-center rounded-full bg-ink text-2xs font-semibold text-paper"
      >
        {initials}
      </Button>
      <Popover placement="bottom end" className="appear w-56 rounded-lg border border-line bg-raised p-1 shadow-lifted">
        <div className="px-2 pt-2 pb-2">
          <p className="truncate font-medium">{name}</p>
          <p className="truncate text-xs text-ink-3">{person?.email ?? 'Sees every organization'}</p>
        </div>
        <Separator className="mx-1 mb-1 h-px border-0 bg-line" />
        <Menu aria-label="Account" className="outline-none">
          <MenuSection
            selectionMode="single"
            selectedKeys={[theme]}
            disallowEmptySelection
            onSelectionChange={(keys) => {
              const [chosen] = keys
              setTheme(themes.find((one) => one === chosen) ?? 'system')
            }}
          >
            <Header className="px-2 py-1 text-xs text-ink-3">Theme</Header>
            {themes.map((one) => (
              <MenuItem key={one} id={one} className={item} textValue={one}>
                {({ isSelected }) => (
                  <>
                    <span className="capitalize">{one}</span>
                    {isSelected && <span aria-hidden="true">✓</span>}
                  </>
                )}
              </MenuItem>
            ))}
          </MenuSection>
          <Separator className="m-1 h-px border-0 bg-line" />
          <MenuItem id="sign-out" className={item} onAction={() => void signOut()}>
            Sign out
          </MenuItem>
        </Menu>
      </Popover>
    </MenuTrigger>
  )
}
