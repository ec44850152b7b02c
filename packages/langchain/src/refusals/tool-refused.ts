import type { CredenceError } from '@credence/core';
import { refusalWords } from './wording.ts';

/**
 * What a tool throws where a refusal is not answered by a message: our words, with the CredenceError as `cause`. It has the
 * name of mcp-adapters' own error, which that package passes on untouched and code written for it already looks for.
 */
export class ToolRefused extends Error {
  override readonly name = 'ToolException';
  declare readonly cause: CredenceError;

  constructor(cause: CredenceError) {
    super(refusalWords(cause), { cause });
  }
}
