import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";
import { Button } from "../../src/ui/button";

it("keeps the focus while busy, and says so", async () => {
  const { rerender } = render(<Button busy={false}>Save</Button>);
  await userEvent.click(screen.getByRole("button"));
  rerender(<Button busy>Save</Button>);
  const button = screen.getByRole<HTMLButtonElement>("button");
  expect(document.activeElement).toBe(button);
  expect(button.disabled).toBe(false);
  expect([button.ariaDisabled, button.ariaBusy]).toEqual(["true", "true"]);
});

it("lets Escape through to the dialog around it while busy", async () => {
  const onKey = vi.fn<(key: string) => void>();
  const { container } = render(<Button busy>Save</Button>);
  container.addEventListener("keydown", ({ key }) => onKey(key));
  screen.getByRole("button").focus();
  await userEvent.keyboard("{Escape}");
  expect(onKey).toHaveBeenCalledWith("Escape");
});

it("sends its form once, whether it is pressed again or Enter is in a field", async () => {
  const onSubmit = vi.fn((event: React.SyntheticEvent) => event.preventDefault());
  const form = (busy: boolean) => (
    <form onSubmit={onSubmit}>
      <input aria-label="Name" />
      <Button type="submit" busy={busy}>
        Save
      </Button>
    </form>
  );
  const { rerender } = render(form(false));
  await userEvent.click(screen.getByRole("button"));
  rerender(form(true));
  await userEvent.click(screen.getByRole("button"));
  await userEvent.type(screen.getByLabelText("Name"), "Ann{Enter}");
  expect(onSubmit).toHaveBeenCalledTimes(1);
  rerender(form(false));
  await userEvent.type(screen.getByLabelText("Name"), "{Enter}");
  expect(onSubmit).toHaveBeenCalledTimes(2);
});

it("does nothing a second time while busy, also where it is no form's", async () => {
  const onClick = vi.fn();
  const { rerender } = render(
    <Button type="button" busy={false} onClick={onClick}>
      Older
    </Button>,
  );
  await userEvent.click(screen.getByRole("button"));
  rerender(
    <Button type="button" busy onClick={onClick}>
      Older
    </Button>,
  );
  await userEvent.dblClick(screen.getByRole("button"));
  expect(onClick).toHaveBeenCalledTimes(1);
});

it("is disabled where there is nothing to press it for", () => {
  render(
    <Button busy={false} disabled>
      Save
    </Button>,
  );
  expect(screen.getByRole<HTMLButtonElement>("button").disabled).toBe(true);
});
