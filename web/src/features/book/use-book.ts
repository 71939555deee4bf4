import type { CustomerInfo } from "@ordercast/client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { useLocation } from "wouter";
import { bookService, type BookService, type Service } from "../../api/bookings";
import { IdempotencyKey } from "../../api/idempotency-key";
import type { Problem } from "../../api/problem";
import { visitBank } from "../../stores/bank-visit";
import { paymentInfoOf, usePayment } from "../../stores/payment";
import { useCustomerSession } from "../session/customer";

interface Wanted {
  startsAt: string;
  carerId: string;
  note: string;
  customer: CustomerInfo;
}

/** Books, and goes to the booking's page. Asked again after a lost answer, it books once. */
export function useBook(service: Service) {
  const customer = useCustomerSession();
  const queries = useQueryClient();
  const [, navigate] = useLocation();
  const keys = useMemo(() => new IdempotencyKey(), []);
  const { mutate, error, isPending } = useMutation<Awaited<ReturnType<typeof bookService>>, Problem, Wanted>({
    mutationFn: ({ startsAt, carerId, note, customer: customerInfo }) => {
      const payment = paymentInfoOf(usePayment.getState());
      const returnUrl = `${location.origin}/book/{bookingId}`;
      const body: BookService = {
        serviceId: service.id,
        startsAt,
        ...(carerId !== "" && { carerId }),
        customerInfo,
        paymentInfo: payment.method === "cash" ? payment : { ...payment, returnUrl },
        note,
        total: service.price,
      };
      return bookService(body, customer?.token, keys.for(body));
    },
    onSuccess: ({ id, trackingToken, paymentAction }) => {
      usePayment.getState().reset();
      if (paymentAction?.url) {
        visitBank(paymentAction.url, id, trackingToken);
        return;
      }
      const query = typeof trackingToken === "string" ? `?token=${encodeURIComponent(trackingToken)}` : "";
      navigate(`/book/${encodeURIComponent(id)}${query}`);
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ["slots", service.id] }),
  });
  return { book: mutate, error, isPending };
}
