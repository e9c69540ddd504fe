// The page computes nothing about the model. It sends what was clicked, and puts the pieces of
// HTML and SVG that come back in their places.
'use strict';

let id = '', version = -1, have = 0, latest = 0, at = 0, running = false, speed = 'steady', scrubbing = 0, own = null;
const shown = new Map(); // each part's HTML as it was received
const $ = (name) => document.getElementById(name);

// show updates the page to a frame. The focused element keeps the focus.
function show(frame) {
  if (!frame || frame.v < version) return;
  version = frame.v;
  for (const [part, html] of Object.entries(frame.html || {})) {
    const place = $(part);
    if (!place || shown.get(part) === html) continue;
    shown.set(part, html);
    const wanted = place.cloneNode(false);
    wanted.innerHTML = html;
    wanted.querySelectorAll('[data-href]').forEach((a) => { a.href = a.dataset.href + (a.dataset.href.includes('?') ? '&' : '?') + 's=' + id; });
    wanted.querySelectorAll('[data-link]').forEach((el) => { el.textContent = location.origin + el.dataset.link; });
    const focus = document.activeElement, order = place.contains(focus) ? [...place.querySelectorAll(usable)].indexOf(focus) : -1;
    match(place, wanted);
    if (order >= 0) regain(place, focus, order);
  }
  have = frame.have;
  at = frame.at; running = frame.running;
  address = frame.address; follow(); tellLive();
  const line = $('timeline');
  line.max = Math.max(frame.most, 1);
  if (!scrubbing) line.value = frame.at;
  line.setAttribute('aria-valuetext', 'update ' + frame.at + ' of ' + frame.most);
  $('example').value = frame.example || '';
  document.body.dataset.version = version; markPass(); light();
  const tab = document.querySelector('#parts [aria-selected=true]') || document.querySelector('#tabs [aria-selected=true]');
  if (tab) {
    $('panel').setAttribute('aria-labelledby', tab.id);
    if ($('panel').dataset.tab !== tab.dataset.tab) {
      $('panel').dataset.tab = document.body.dataset.tab = tab.dataset.tab;
      for (const el of [$('panel'), ...$('panel').querySelectorAll('.scroll')]) el.scrollTo(0, 0);
    }
  }
}

// match gives an element the children of another. Children that are there already stay, because frames arrive
// while a button is held down, a list is open, or a text is selected or edited.
function match(place, wanted) {
  const names = new Set(Array.from(wanted.children, nameOf));
  let old = place.firstChild;
  const drop = () => { const gone = old; old = old.nextSibling; gone.remove(); };
  for (const node of [...wanted.childNodes]) {
    while (old && nameOf(old) && !names.has(nameOf(old))) drop();
    let same = old;
    while (same && !alike(same, node)) same = nameOf(node) ? same.nextSibling : null;
    if (!same) { place.insertBefore(node, old); continue; }
    while (old !== same && !nameOf(old)) drop();
    if (old === same) old = old.nextSibling; else place.insertBefore(same, old);
    if (node.nodeType !== Node.ELEMENT_NODE) { if (same.data !== node.data) same.data = node.data; continue; }
    for (const { name, value } of node.attributes) if (same.getAttribute(name) !== value) same.setAttribute(name, value);
    for (const { name } of [...same.attributes]) if (!node.hasAttribute(name) && name !== 'open' && name !== 'data-dirty') same.removeAttribute(name);
    match(same, node);
    if (same.dataset.dirty) continue;
    if (same.matches('select')) same.selectedIndex = node.selectedIndex;
    else if (same.type === 'checkbox') same.checked = node.checked;
    else if (same.matches('input') && same.value !== node.value) same.value = node.value;
  }
  while (old) drop();
}
function nameOf(node) { return node.id || node.dataset && node.dataset.do || ''; }
function alike(a, b) { return a.nodeName === b.nodeName && nameOf(a) === nameOf(b); }

// regain moves the focus to the element at the same position if the focused one is gone or disabled.
const usable = 'a[href], button, input, select, textarea, summary, [tabindex]';
function regain(place, held, order) {
  if (!held.isConnected || held.disabled) {
    const all = [...place.querySelectorAll(usable)], free = (e) => !e.disabled;
    held = all.slice(order).find(free) || all.filter(free).pop() || $('panel');
    held.focus({ preventScroll: true });
  }
  if (held.matches('.edge, .unit')) rove(held);
}

// rove makes one element of the picture its stop for the tab key.
function rove(el) {
  for (const other of el.parentElement.querySelectorAll('[tabindex="0"]')) other.setAttribute('tabindex', '-1');
  el.setAttribute('tabindex', '0');
}

// beside returns the nearest weight or unit of the picture in an arrow's direction.
function beside(el, key) {
  const middle = (e) => { const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; };
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key], [x, y] = middle(el);
  let best = null, least = Infinity;
  for (const other of el.parentElement.children) {
    const [ox, oy] = middle(other), along = (ox - x) * dx + (oy - y) * dy, across = Math.abs((ox - x) * dy) + Math.abs((oy - y) * dx);
    if (other !== el && along > 0.5 && along + 2 * across < least) { best = other; least = along + 2 * across; }
  }
  return best;
}

// tellLive announces the update and the loss to a screen reader: on every change at rest, every few seconds during a run.
let toldAt = 0;
function tellLive() {
  const text = $('update') && 'update ' + $('update').textContent + ', loss ' + $('loss').textContent;
  if (!text || text === $('live').textContent || running && Date.now() - toldAt < 5000) return;
  $('live').textContent = text; toldAt = Date.now();
}

// restore puts the values in use into the fields, unless an error about another value is shown.
function restore() {
  if (document.querySelector('#note .bad')) return;
  for (const el of document.querySelectorAll('#panel input, #panel select, #sample input, #status input')) {
    if (el === document.activeElement || el.dataset.dirty) continue;
    if (el.type === 'checkbox') el.checked = el.defaultChecked;
    else if (el.matches('select')) el.selectedIndex = Math.max(0, [...el.options].findIndex((o) => o.defaultSelected));
    else el.value = el.defaultValue;
  }
}

function complain(text) { shown.delete('note'); $('note').innerHTML = '<p class="bad" role="status"></p>'; $('note').firstChild.textContent = text; }

async function post(path, body, headers) {
  const ticket = ++latest;
  try {
    const answer = await fetch(path + (path.includes('?') ? '&' : '?') + 's=' + id + '&have=' + have, { method: 'POST', body, headers });
    if (answer.status === 410) { await attach(); return; } // the program was restarted, or the run was closed for another
    if (!answer.ok) { complain(await answer.text()); return; }
    const frame = await answer.json();
    show(frame);
    document.body.dataset.done = Math.max(ticket, document.body.dataset.done || 0);
    if (ticket === latest) restore();
  } catch (e) {
    lose();
  }
}

function act(what, values) { return post('/do', new URLSearchParams({ do: what, ...values })); }

// press performs the action in an element's data-do. The element's other data are the arguments.
function press(el) {
  const values = { ...el.dataset };
  const what = values.do;
  delete values.do; delete values.dirty;
  if (el.name) values[el.name] = el.value;
  if (el.type === 'checkbox') values.on = el.checked;
  if (what === 'run') values.speed = speed;
  if (what === 'speed') speed = el.value;
  if (!events && !lost) listen();
  const asked = act(what, values);
  if (what === 'tab') asked.then(reveal);
  if (what === 'lesson') { const stays = el.closest('.titlebar, .stops'); asked.then(() => { $('panel').scrollTo(0, 0); if (!stays) read('question'); }); }
  if (what === 'guess') asked.then(() => read('revealed'));
  if (what === 'answer') asked.then(() => { if (read('because')) $('because').scrollIntoView({ block: narrow.matches ? 'start' : 'nearest' }); });
  return asked;
}

// read moves the focus to the text that answers a press, because the pressed buttons are disabled now.
function read(name) { const text = $(name); if (text) text.focus({ preventScroll: true }); return text; }

// nearest returns the weight that is nearest to a click. The wide click targets of weights overlap.
function nearest(event, el) {
  if (!el || !el.matches('.edge') || event.detail === 0) return el;
  const distance = (line) => {
    const to = line.getScreenCTM(), p = (n) => line[n].baseVal.value;
    const [ax, ay, bx, by] = [p('x1') * to.a + to.e, p('y1') * to.d + to.f, p('x2') * to.a + to.e, p('y2') * to.d + to.f];
    const t = Math.max(0, Math.min(1, ((event.clientX - ax) * (bx - ax) + (event.clientY - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)));
    return Math.hypot(ax + t * (bx - ax) - event.clientX, ay + t * (by - ay) - event.clientY);
  };
  let best = el, least = distance(el) - 0.5;
  for (const line of document.querySelectorAll('#picture .edge')) { const d = distance(line); if (d < least) { best = line; least = d; } }
  return best;
}

// reveal scrolls to the panel if it is below the network, as on a narrow page.
function reveal() {
  const side = $('panel').parentElement; // the panel with the names of its neighbors
  if (side.getBoundingClientRect().top > innerHeight / 2) side.scrollIntoView();
}

document.addEventListener('click', (event) => {
  const copy = event.target.closest('[data-copy]');
  if (copy) {
    const text = $(copy.dataset.copy).textContent;
    navigator.clipboard.writeText(text).then(() => { copy.textContent = 'copied'; }, () => {
      getSelection().selectAllChildren($(copy.dataset.copy));
    });
    return;
  }
  if (event.target.closest('[data-full]')) { if (document.fullscreenElement) document.exitFullscreen(); else document.documentElement.requestFullscreen().catch(() => {}); return; }
  if (event.target.closest('[data-pass]')) { playPass(); return; }
  const el = nearest(event, event.target.closest('[data-do]'));
  if (el && !el.matches('input, select') && !el.disabled) press(el);
});

document.addEventListener('input', (event) => {
  event.target.dataset.dirty = '1';
  if (event.target.id === 'timeline') scrub();
});

document.addEventListener('change', (event) => {
  const el = event.target;
  delete el.dataset.dirty;
  if (el.id === 'file') { if (el.files[0]) send(el.files[0]); el.value = ''; return; }
  if (el.matches('[data-do]')) { press(el); return; }
  const form = el.closest('[data-change]');
  if (form) act(form.dataset.change, { [el.name]: el.type === 'checkbox' ? (el.checked ? 'on' : 'off') : el.value });
});
// The field was left without a change, so it takes the value that arrived while it was being edited.
document.addEventListener('focusout', (event) => {
  if (event.target.dataset.dirty && event.target.isConnected) { delete event.target.dataset.dirty; restore(); }
});
document.addEventListener('submit', (event) => event.preventDefault());

// scrub asks for the update under the slider. While a request is on its way, only the last position counts.
async function scrub() {
  if (scrubbing++) return;
  for (let before = -1; before !== $('timeline').value;) {
    before = $('timeline').value;
    await act('goto', { n: before });
  }
  scrubbing = 0;
}

document.addEventListener('keydown', (event) => {
  const el = event.target;
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if ((event.key === 'Enter' || event.key === ' ') && el.matches('line[data-do], [role=button][data-do]')) {
    event.preventDefault(); press(el); return;
  }
  if (el.matches('.edge, .unit') && event.key.startsWith('Arrow')) {
    const next = beside(el, event.key);
    event.preventDefault();
    if (next) { next.focus(); rove(next); }
    return;
  }
  if (el.matches('[role=tab]') && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
    const next = event.key === 'ArrowRight' ? el.nextElementSibling : el.previousElementSibling;
    if (next) { event.preventDefault(); next.focus(); press(next); }
    return;
  }
  if (el.matches('input, select, textarea, button, summary, pre')) return;
  const keys = { ' ': running ? 'pause' : 'run', ArrowRight: 'batch', ArrowLeft: 'back', s: 'sample', e: 'epoch' };
  if (event.key === 'Home') { event.preventDefault(); act('goto', { n: 0 }); }
  if (keys[event.key]) { event.preventDefault(); act(keys[event.key], { speed }); }
});

// The picture of the loss is a timeline too: a press or a drag on it goes to the update at that place.
let dragging = false;
function along(event) {
  const picture = document.querySelector('#curve svg'), d = picture.dataset, to = picture.getScreenCTM();
  const x = ((event.clientX - to.e) / to.a - d.left) / (d.right - d.left);
  $('timeline').value = Math.round(+d.low + x * (d.high - d.low));
  scrub();
}
$('curve').addEventListener('pointerdown', (event) => { if (event.button === 0 && event.target.closest('svg')) { dragging = true; $('curve').setPointerCapture(event.pointerId); event.preventDefault(); along(event); } });
$('curve').addEventListener('pointermove', (event) => { if (dragging) along(event); });
for (const end of ['pointerup', 'pointercancel']) $('curve').addEventListener(end, () => { dragging = false; });

// The pass plays by itself, one part per second: values forward, deltas back. A press stops it.
let passing = null;
async function playPass() {
  if (passing) { passing = null; markPass(); return; }
  const mine = passing = {}, goesOn = () => passing === mine && +$('pass').dataset.phase < +$('pass').dataset.phases;
  for (let next = { to: 1 }; passing === mine; next = { by: 1 }) {
    await act('phase', next);
    if (goesOn()) await new Promise((second) => setTimeout(second, 1000));
    if (!goesOn()) break;
  }
  if (passing === mine) { passing = null; markPass(); }
}
function markPass() { const b = $('pass'); if (b) { b.textContent = passing ? '❚❚' : '▶'; b.setAttribute('aria-label', passing ? 'pause the pass' : 'play the pass'); } }

// A factor of the formula and its weight or unit in the picture are highlighted together while the pointer or
// the focus is on one of them.
const ties = { pointer: '', focus: '' };
function tie(by, el) {
  const factor = el && el.closest && el.closest('[data-ties]'), thing = el && el.closest && el.closest('#picture [id]');
  ties[by] = factor ? factor.dataset.ties : thing ? thing.id : '';
  light();
}
function light() {
  for (const el of document.querySelectorAll('.tied')) el.classList.remove('tied');
  for (const name of Object.values(ties)) {
    if (name) for (const el of [$(name), ...document.querySelectorAll('[data-ties="' + name + '"]')]) if (el) el.classList.add('tied');
  }
}
for (const [kind, by, on] of [['pointerover', 'pointer', true], ['pointerout', 'pointer'], ['focusin', 'focus', true], ['focusout', 'focus']]) document.addEventListener(kind, (event) => tie(by, on && event.target));

// A table can be dropped anywhere on the page.
function send(file) { own = file; return post('/table?name=' + encodeURIComponent(file.name), file, { 'Content-Type': 'application/octet-stream' }); }
let over = 0;
document.addEventListener('dragenter', (e) => { e.preventDefault(); over++; $('drop').hidden = false; });
document.addEventListener('dragleave', () => { if (--over <= 0) { over = 0; $('drop').hidden = true; } });
document.addEventListener('dragover', (e) => e.preventDefault());
document.addEventListener('drop', (e) => { e.preventDefault(); over = 0; $('drop').hidden = true; if (e.dataTransfer.files[0]) send(e.dataTransfer.files[0]); });

// The connection. A visible page has a stream of frames. A hidden one closes it, because a browser opens
// only six connections to a host. The run's id is kept in the history's entry, and the address says what
// the page shows, so both survive a reload, the back button and a restart of the program.
let events = null, heard = 0, lost = false, attaching = false, ticks = 0, address = '', followed = 0;
const narrow = matchMedia('(max-width: 560px)'), tell = () => act('narrow', { on: narrow.matches });

// follow puts what is shown into the address, at most a few times per second.
function follow() {
  if (!id || !address || Date.now() - followed < 300) return;
  if (location.pathname + location.search !== address) { history.replaceState({ id }, '', address); followed = Date.now(); }
}

// attach finds this page's run again, or begins the run in its address.
async function attach() {
  if (attaching) return;
  attaching = true;
  try {
    const body = new URLSearchParams(location.search);
    body.set('link', body.get('c') || '');
    body.set('still', matchMedia('(prefers-reduced-motion: reduce)').matches ? '1' : '');
    body.set('id', (history.state && history.state.id) || '');
    const answer = await fetch('/session', { method: 'POST', body, signal: AbortSignal.timeout(20000) });
    lost = false;
    $('lost').hidden = true;
    if (!answer.ok) { complain(await answer.text()); lost = answer.status === 429 || answer.status === 503; return; }
    const made = await answer.json();
    id = made.id; version = -1; have = 0;
    history.replaceState({ id }, '', location.href);
    shown.clear();
    show(made.frame);
    if (made.table && own) await send(own); // the program no longer has the table
    if (narrow.matches) await tell();
    listen();
  } catch (e) {
    lose();
  } finally {
    attaching = false;
  }
}

function lose() {
  stop();
  lost = true;
  if ($('lost').hidden) { $('lost').hidden = false; $('lost').textContent = 'The program behind this page does not answer. The page tries again every second. If the program has ended, start gradus lab again.'; }
}

function stop() { if (events) events.close(); events = null; }

function listen() {
  stop();
  if (document.hidden) return;
  const stream = events = new EventSource('/events?s=' + id);
  heard = Date.now();
  const hear = () => { heard = Date.now(); };
  stream.onopen = hear;
  stream.addEventListener('beat', () => { hear(); fetch('/here?s=' + id, { method: 'POST' }).catch(lose); });
  stream.onmessage = (event) => { hear(); show(JSON.parse(event.data)); };
  stream.addEventListener('taken', stop); // another page of this browser took the stream
  stream.onerror = () => { if (events === stream) { stop(); attach(); } };
}

document.addEventListener('visibilitychange', () => { if (document.hidden) stop(); else if (id && !lost) listen(); });
addEventListener('focus', () => { if (id && !events && !lost) listen(); });
addEventListener('pageshow', (event) => { if (event.persisted) attach(); });
narrow.addEventListener('change', tell);
setInterval(() => {
  ticks++;
  if (lost) { attach(); return; }
  if (!id || attaching) return;
  follow();
  if (document.hidden) { if (running && ticks % 5 === 0) act('look'); return; }
  if (!events) act('look');
  else if (Date.now() - heard > 30000) { stop(); attach(); } // after the machine slept, or when the network is down
}, 1000);

attach();
