import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Follower } from '$lib/live/events';
import { Tail } from './tail.svelte';

let follower: Follower;
vi.mock('$lib/live/events', () => ({
  follow: (_path: string, wanted: Follower) => {
    follower = wanted;
    return () => {};
  }
}));

const send = (id: number) => follower.onevent({ name: 'request', data: JSON.stringify({ id: `r${id}`, tags: [], outcome: 'ok', status: 200, at: id, total_ms: 1 }) });

describe('the live tail', () => {
  beforeEach(() => void vi.useFakeTimers());

  it('shows in batches, newest first, and no more than a page can bear', () => {
    const tail = new Tail(() => true);
    tail.start({});
    for (let id = 0; id < 1200; id++) send(id);
    expect(tail.shown).toHaveLength(0);
    vi.advanceTimersByTime(300);
    expect([tail.shown.length, tail.shown[0]?.id, tail.gap]).toEqual([100, 'r1199', true]);
    tail.clear();
    expect([tail.shown.length, tail.gap]).toEqual([0, false]);
  });

  it('waits while it is paused or somebody reads further down', () => {
    let calm = false;
    const tail = new Tail(() => calm);
    tail.start({});
    send(1);
    vi.advanceTimersByTime(300);
    expect([tail.shown.length, tail.waiting.length]).toEqual([0, 1]);
    calm = true;
    tail.toggle();
    send(2);
    vi.advanceTimersByTime(300);
    expect(tail.waiting).toHaveLength(2);
    tail.toggle();
    expect(tail.shown.map((row) => row.id)).toEqual(['r2', 'r1']);
  });

  it('counts what the hub could not deliver', () => {
    const tail = new Tail(() => true);
    tail.start({});
    follower.onevent({ name: 'missed', data: '{"count":7}' });
    expect(tail.missed).toBe(7);
  });
});
