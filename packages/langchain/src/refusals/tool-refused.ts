import type { CredenceError } from '@credence/core';
import { refusalWords } from './wording.ts';

/**
 * The error that a tool throws for a refusal, with the CredenceError as `cause`. Its name is that of the error of mcp-adapters:
 * mcp-adapters passes on errors with this name unchanged, and existing code checks for it.
 */
export class ToolRefused extends Error {
  override readonly name = 'ToolException';
  declare readonly cause: CredenceError;

  constructor(cause: CredenceError) {
    super(refusalWords(cause), { cause });
  }
}
