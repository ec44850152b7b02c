import { describe, expect, it } from '@jest/globals';
import { exportedNames } from './api-reports.ts';

const REPORT = `## API Report File for "@ours/core"

\`\`\`ts

import type { Elsewhere } from '@ours/protocol';

// @public
export abstract class Bot {
    // (undocumented)
    export(): Elsewhere;
}

// @public
export const LIMIT = 1;

// @public
export function run(bot: Bot): void;

// @public
export interface Options {
}

// @public
export type Verdict = boolean;

export { Elsewhere }

\`\`\`
`;

describe('exportedNames', () => {
  it('lists the names that a report exports, without names that it only imports or mentions', () => {
    expect(exportedNames(REPORT)).toEqual(['Bot', 'LIMIT', 'run', 'Options', 'Verdict', 'Elsewhere']);
  });
});
