// The issuer's few pages, as HTML without scripts or outside files. Everything shown is escaped here; what
// happens on a click is issuer.ts's.
import type { IssuerUser } from './issuer.ts'

const style = `
:root { color-scheme: light dark; --paper: #fbfaf8; --raised: #fff; --hover: #f8e9e3; --ink: #1c1b19; --soft: #6f6b64;
  --line: #e6e2db; --brick: #b5482f; --on-brick: #fff }
@media (prefers-color-scheme: dark) { :root { --paper: #16181a; --raised: #1e2123; --hover: #36221c; --ink: #edeae4;
  --soft: #94959a; --line: #2a2d30; --brick: #d66a4e; --on-brick: #1b0d09 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 2rem 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main { width: 100%; max-width: 26rem }
.mark { display: flex; align-items: center; gap: .6rem; font-weight: 650; letter-spacing: -.01em }
.mark svg { display: block }
h1 { margin: 2rem 0 .25rem; font-size: 1.6rem; line-height: 1.2; letter-spacing: -.02em; text-wrap: balance }
p { margin: 0; color: var(--soft) }
ul { list-style: none; margin: 1.5rem 0; padding: 0; background: var(--raised); border: 1px solid var(--line); border-radius: 12px; overflow: hidden }
li + li { border-top: 1px solid var(--line) }
button { font: inherit; color: inherit; cursor: pointer }
.person { display: flex; align-items: center; gap: .9rem; width: 100%; padding: .85rem 1rem; border: 0; background: none; text-align: left }
.person:hover { background: var(--hover) }
.initials { flex: none; display: grid; place-items: center; width: 2.5rem; height: 2.5rem; border-radius: 50%;
  background: var(--brick); color: var(--on-brick); font-size: .85rem; font-weight: 600 }
.name { display: block; font-weight: 600 }
.email { display: block; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere }
.action { margin-top: 1.5rem; padding: .6rem 1.1rem; border: 0; border-radius: 8px; background: var(--brick); color: var(--on-brick); font-weight: 600 }
:focus-visible { outline: 3px solid var(--brick); outline-offset: -3px }
.action:focus-visible { outline-offset: 2px }
.note { font-size: .875rem }
code { overflow-wrap: anywhere }
`

const mark = `<svg width="24" height="16" viewBox="0 0 24 16" aria-hidden="true"><path fill="var(--brick)" d="M1 16V6.5L4.67 2l3.66 4.5L12 2l3.67 4.5L19.33 2 23 6.5V16z"/></svg>`

/** The list of people; each is a button of one form. `action` is where it posts `user`. */
export function signInPage(users: readonly IssuerUser[], action: string): string {
  const people = users.map(
    ({ id, name, email }) => `<li><button class="person" name="user" value="${escapeHtml(id)}">
<span class="initials" aria-hidden="true">${escapeHtml(initialsOf(name))}</span>
<span><span class="name">${escapeHtml(name)}</span><span class="email">${escapeHtml(email)}</span></span></button></li>`,
  )
  return page(
    'Who is signing in?',
    `<p>Choose a person to continue as.</p>
<form method="post" action="${escapeHtml(action)}"><ul>${people.join('\n')}</ul></form>
<p class="note">A sign-in for development: no passwords, and reachable from this computer only.</p>`,
  )
}

/** `form` comes from oidc-provider and has the id `op.logoutForm`. */
export function signOutPage(form: string): string {
  return page(
    'Sign out?',
    `<p>You will choose a person again the next time.</p>${form}
<button class="action" type="submit" form="op.logoutForm" name="logout" value="yes">Sign out</button>`,
  )
}

export function messagePage(title: string, text: string): string {
  return page(title, `<p>${escapeHtml(text)}</p>`)
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · Rowhouse</title><style>${style}</style></head>
<body><main><div class="mark">${mark}Rowhouse</div><h1>${escapeHtml(title)}</h1>
${body}</main></body></html>
`
}

function initialsOf(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== '')
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => word?.match(/\p{L}/u)?.[0] ?? '')
    .join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? character)
}
