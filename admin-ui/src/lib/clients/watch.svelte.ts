/** Waits for the first request that comes in with a key, and tells what became of it. */
import { api, type Schemas } from '$lib/api/client';

type Row = Schemas['RequestRow'];
const STEP = 1500;

export class Watch {
  /** The newest request since the watch began. */
  row = $state.raw<Row | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #since = 0;
  #key = '';

  /** Begins to wait for requests of this key; forgets what was seen. */
  start(keyId: string): void {
    this.stop();
    this.row = null;
    this.#key = keyId;
    // The hub's clock decides; a little earlier forgives a difference between the two.
    this.#since = Date.now() - 5_000;
    void this.#look(keyId);
  }

  stop = (): void => {
    clearTimeout(this.#timer);
    this.#key = '';
  };

  async #look(keyId: string): Promise<void> {
    // In a hidden tab nobody waits.
    if (!document.hidden) {
      const query = { client_key_id: keyId, from: this.#since, limit: 1 };
      const { data } = await api.GET('/api/logs', { params: { query } }).catch(() => ({ data: undefined }));
      if (this.#key !== keyId) return;
      const newest = data?.items[0];
      if (newest && newest.id !== this.row?.id) this.row = newest;
    }
    this.#timer = setTimeout(() => void this.#look(keyId), STEP);
  }
}
