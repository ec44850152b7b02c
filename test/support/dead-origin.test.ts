import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { holdDeadOrigin } from './dead-origin.ts';

describe('holdDeadOrigin', () => {
  it('returns an origin that refuses connections, and whose port no other server can use', async () => {
    const dead = await holdDeadOrigin();
    try {
      await expect(fetch(dead.origin)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } });
      const other = createServer();
      const refused = new Promise((resolve) => other.once('error', resolve));
      other.listen(Number(new URL(dead.origin).port), '127.0.0.1');
      expect(await refused).toMatchObject({ code: 'EADDRINUSE' });
    } finally {
      await dead.close();
    }
  });
});
