// What surrounds every page: the bar with the way home, the palette and the person, and a notice when
// live changes stopped coming. The palette and the menu load after the page.
import { Link, Outlet, useLocation, useParams } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import { Suspense, lazy, useEffect, useRef, useState } from 'react'
import type { JSX } from 'react'
import { useLiveStatus } from '../live/status.ts'
import { Logo } from '../parts/marks.tsx'
import { useIsBarNarrow } from '../parts/narrow.ts'
import { Key, Status } from '../parts/parts.tsx'
import { meQuery, organizationQuery } from './api.ts'

const Palette = lazy(() => import('../palette/palette.tsx').then(({ Palette }) => ({ default: Palette })))
const UserMenu = lazy(() => import('../session/user-menu.tsx').then(({ UserMenu }) => ({ default: UserMenu })))

export function Shell(): JSX.Element {
  const [isPaletteOpen, setPaletteOpen] = useState(false)
  const isNarrow = useIsBarNarrow()
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey) || event.shiftKey || event.altKey) return
      event.preventDefault()
      setPaletteOpen((open) => !open)
    }
    window.addEventListener('keydown', onKey)
    return () => window.removeEventListener('keydown', onKey)
  }, [])
  return (
    <>
      <a
        href="#page"
        className="sr-only focus:not-sr-only focus:absolute focus:z-50 focus:m-2 focus:bg-raised focus:p-2"
      >
        Skip to the page
      </a>
      <header className="sticky top-0 z-30 flex h-12 items-center gap-3 border-b border-line bg-paper px-4 md:px-6">
        <Link to="/" className="flex shrink-0 items-center gap-2 font-semibold" aria-label="Rowhouse, organizations">
          <Logo />
          <span className="max-md:sr-only">Rowhouse</span>
        </Link>
        {!isNarrow && <Pages />}
        <Crumb />
        <div className="ml-auto flex shrink-0 items-center gap-3">
          <Live />
          <button
            type="button"
            onClick={() => setPaletteOpen(true)}
            className="flex h-8 items-center gap-3 rounded-md border border-line-strong bg-raised px-2.5 text-ink-2 hover:border-ink-3"
          >
            <span>
              Search<span className="max-md:hidden"> or run</span>
            </span>
            <span className="max-md:hidden">
              <Key>⌘K</Key>
            </span>
          </button>
          <Suspense fallback={<div className="size-8 rounded-full bg-sunken" />}>
            <UserMenu />
          </Suspense>
        </div>
      </header>
      {isNarrow && <Pages />}
      <Notice />
      <div id="page">
        <Outlet />
      </div>
      {isPaletteOpen && (
        <Suspense fallback={null}>
          <Palette onClose={() => setPaletteOpen(false)} />
        </Suspense>
      )}
    </>
  )
}

/** What is about the whole database is for operators. Where the bar is narrow they are a line of their own, which scrolls away
 * with the page; its end fades where there is more. */
function Pages(): JSX.Element | null {
  const { data: me } = useQuery(meQuery)
  const pages = useRef<HTMLElement>(null)
  const pathname = useLocation({ select: (location) => location.pathname })
  useEffect(() => {
    pages.current?.querySelector('[data-status=active]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [pathname])
  if (me === undefined) return null
  const isOperator = me.actor.kind === 'operator'
  // Whoever has one organization is always in it, and sees its alerts there.
  if (!isOperator && me.memberships.length < 2) return null
  const look =
    'shrink-0 scroll-mx-8 rounded-sm px-1.5 py-1 text-ink-2 hover:text-ink max-lg:py-2.5 data-[status=active]:font-medium data-[status=active]:text-ink'
  return (
    <nav
      ref={pages}
      aria-label="Pages"
      className="flex shrink-0 items-center max-lg:overflow-x-auto max-lg:border-b max-lg:border-line max-lg:px-2.5 max-md:pr-8 max-md:[mask-image:linear-gradient(to_right,black_calc(100%-2rem),transparent)] lg:gap-1"
    >
      <Link to="/" activeOptions={{ exact: true, includeSearch: false }} className={look}>
        Organizations
      </Link>
      <Link to="/alerts" className={look}>
        Alerts
      </Link>
      {isOperator && (
        <>
          <Link to="/load" activeOptions={{ includeSearch: false }} className={look}>
            Load
          </Link>
          <Link to="/isolation" activeOptions={{ includeSearch: false }} className={look}>
            Isolation
          </Link>
          <Link to="/rollouts" className={look}>
            Rollouts
          </Link>
          <Link to="/clusters" className={look}>
            Clusters
          </Link>
          <Link to="/plans" className={look}>
            Plans
          </Link>
        </>
      )}
    </nav>
  )
}

function Crumb(): JSX.Element | null {
  const { organizationId } = useParams({ strict: false })
  const { data } = useQuery({ ...organizationQuery(organizationId ?? ''), enabled: organizationId !== undefined })
  if (organizationId === undefined || data === undefined) return null
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span aria-hidden="true" className="text-line-strong">
        /
      </span>
      <span className="truncate">{data.name}</span>
    </span>
  )
}

function Live(): JSX.Element {
  const status = useLiveStatus()
  return (
    <span className="text-xs max-md:sr-only" role="status">
      {status === 'open' ? (
        <Status tone="ok">Live</Status>
      ) : (
        <Status tone="off">{status === 'connecting' ? 'Connecting' : 'Not live'}</Status>
      )}
    </span>
  )
}

function Notice(): JSX.Element | null {
  const status = useLiveStatus()
  if (status === 'open' || status === 'connecting') return null
  return (
    <p role="alert" className="appear border-b border-line bg-sunken px-4 py-1.5 text-xs text-ink-2 md:px-6">
      <strong className="font-semibold text-ink">
        {status === 'offline' ? 'You are offline.' : 'The connection to the server is lost.'}
      </strong>{' '}
      What you see is the last we heard; it catches up by itself
      {status === 'offline' ? ' when you are back.' : ' as soon as the server answers.'}
    </p>
  )
}
