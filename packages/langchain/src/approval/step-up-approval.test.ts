import { expect, it } from '@jest/globals';
import { approveStepUp, underStepUpApproval } from './step-up-approval.ts';

const REQUEST = { server: 'wiki', scopes: ['write'] };

it('a step-up in the context of a call that has ended is denied without asking', async () => {
  let asked = 0;
  let later: Promise<boolean> = Promise.resolve(true);
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  await underStepUpApproval(
    () => {
      asked += 1;
      return true;
    },
    async () => {
      expect(await approveStepUp(REQUEST)).toBe(true);
      // As a stream or a timer that the call has begun.
      later = ended.then(async () => approveStepUp(REQUEST));
    },
  );
  end();
  expect(await later).toBe(false);
  expect(asked).toBe(1);
  expect(await approveStepUp(REQUEST)).toBe(true);
});
