import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { holdDeadOrigin } from './dead-origin.ts';

describe('a dead origin', () => {
  it('refuses connections, and its port is given to nobody else', async () => {
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
