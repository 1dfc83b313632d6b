/** The pages, in the order of the navigation. */
import type { Component } from 'svelte';
import type { Key } from '$lib/i18n/index.svelte';
import type { Role } from '$lib/session/session.svelte';
import Activity from '@lucide/svelte/icons/activity';
import AtSign from '@lucide/svelte/icons/at-sign';
import Boxes from '@lucide/svelte/icons/boxes';
import ChartColumn from '@lucide/svelte/icons/chart-column';
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import KeyRound from '@lucide/svelte/icons/key-round';
import Layers from '@lucide/svelte/icons/layers';
import LayoutDashboard from '@lucide/svelte/icons/layout-dashboard';
import MessagesSquare from '@lucide/svelte/icons/messages-square';
import Plug from '@lucide/svelte/icons/plug';
import ScrollText from '@lucide/svelte/icons/scroll-text';
import Server from '@lucide/svelte/icons/server';
import Settings from '@lucide/svelte/icons/settings';
import ShieldCheck from '@lucide/svelte/icons/shield-check';
import SlidersHorizontal from '@lucide/svelte/icons/sliders-horizontal';
import Split from '@lucide/svelte/icons/split';
import Ticket from '@lucide/svelte/icons/ticket';
import Users from '@lucide/svelte/icons/users';

export interface Entry {
  path: string;
  name: Key;
  icon: Component<{ class?: string }>;
  role: Role;
  /** The key after `g` that goes there. */
  jump?: string;
}

export interface Group {
  name: Key;
  entries: Entry[];
}

export const groups: Group[] = [
  {
    name: 'nav.group.watch',
    entries: [
      { path: '/', name: 'nav.dashboard', icon: LayoutDashboard, role: 'viewer', jump: 'd' },
      { path: '/logs', name: 'nav.logs', icon: ScrollText, role: 'viewer', jump: 'l' },
      { path: '/stats', name: 'nav.stats', icon: ChartColumn, role: 'viewer', jump: 's' },
      { path: '/health', name: 'nav.health', icon: HeartPulse, role: 'viewer', jump: 'h' }
    ]
  },
  {
    name: 'nav.group.use',
    entries: [
      { path: '/chat', name: 'nav.chat', icon: MessagesSquare, role: 'member', jump: 'c' },
      { path: '/clients', name: 'nav.clients', icon: Plug, role: 'member', jump: 'i' },
      { path: '/api-keys', name: 'nav.api_keys', icon: Ticket, role: 'member', jump: 'k' }
    ]
  },
  {
    name: 'nav.group.route',
    entries: [
      { path: '/providers', name: 'nav.providers', icon: Server, role: 'viewer', jump: 'p' },
      { path: '/key-pools', name: 'nav.key_pools', icon: KeyRound, role: 'viewer', jump: 'o' },
      { path: '/routes', name: 'nav.routes', icon: Split, role: 'viewer', jump: 'r' },
      { path: '/routes/test', name: 'nav.tester', icon: Activity, role: 'viewer', jump: 't' },
      { path: '/models', name: 'nav.models', icon: Boxes, role: 'viewer', jump: 'm' },
      { path: '/aliases', name: 'nav.aliases', icon: AtSign, role: 'viewer', jump: 'a' },
      { path: '/presets', name: 'nav.presets', icon: Layers, role: 'viewer', jump: 'e' }
    ]
  },
  {
    name: 'nav.group.manage',
    entries: [
      { path: '/users', name: 'nav.users', icon: Users, role: 'admin', jump: 'u' },
      { path: '/settings', name: 'nav.settings', icon: SlidersHorizontal, role: 'viewer', jump: ',' },
      { path: '/audit', name: 'nav.audit', icon: ShieldCheck, role: 'admin' },
      { path: '/system', name: 'nav.system', icon: Settings, role: 'viewer' }
    ]
  }
];
