"""The sentences the simulated follow-up writes with, in five languages. What each claims stands in its name."""

from collections.abc import Mapping

Phrases = Mapping[str, str]

_ENGLISH: Phrases = {
    "hello": "Hello {name},",
    "hello_stranger": "Hello,",
    # What was done: only ever written when the shop's records show it.
    "issue_refund": "We have refunded {amount} EUR for your order {order} (refund {refund}).",
    "cancel_order": "We have cancelled your order {order}; {amount} EUR go back to where they came from.",
    "send_password_reset": "We have sent a link for a new password to the address of your account.",
    "send_invoice": "We have sent the invoice of order {order} to the address of your account once more.",
    "change_address": "We have changed your address.",
    "change_email": "We have changed the mail address of your account.",
    "close_account": "We have closed your account.",
    "block_account": "We have blocked your account, so that nobody can order with it.",
    "take_over": "A person of our team has taken over your ticket.",
    # By whom.
    "by_agent": "Our agent {agent} did this; it is software.",
    "by_agent_approved": "Our agent {agent} did this; it is software, and a person had approved it before.",
    "by_person": "A person of our team did this.",
    # Why nothing was done.
    "not_due": "We have checked order {order}: by our records nothing is due for it.",
    "not_theirs": "We do not find the order {order} among your orders. Please answer with the right number.",
    "no_number": "To help you we need the number of the order. Please answer with it; it looks like S-100001.",
    "sent_already": "Order {order} has left our warehouse and cannot be stopped any more. You can send it back to us.",
    "said_no": "A person of our team looked at your request and decided against it.",
    "no_article": "Which article of order {order} is it about? Please answer with its name.",
    "no_address": "For a new address we need street, postcode, city and country. Please answer with all four.",
    "no_mail": "Please answer with the mail address that your account is to have.",
    "not_done": "What you asked for could not be carried out this time.",
    "looked_at": "We have looked at your request. To hear what came of it, please answer and ask for a person.",
    "no_account": "We do not know the address you wrote from. Please write to us from the address of your account.",
    "nothing": "Thank you for writing to us. There was nothing that we had to do.",
    # Where an order stands.
    "processing": "Your order {order} is being packed; we expect it with you on {promised}.",
    "shipped": "Your order {order} is on its way (tracking {tracking}); we expect it with you on {promised}.",
    "delivered": "Your order {order} arrived on {delivered}.",
    "cancelled": "Your order {order} will not be sent.",
    # How it ends.
    "end": (
        "This answer was written by software, our agent follow-up. If you would like a person, answer and say so; "
        "by answering you can also object to any decision. How satisfied are you, from 1 (not at all) to 5 (very)?"
    ),
    "end_stranger": "This answer was written by software, our agent follow-up. If you would like a person, answer and say so.",
}

_GERMAN: Phrases = {
    "hello": "Guten Tag {name},",
    "hello_stranger": "Guten Tag,",
    "issue_refund": "Wir haben Ihnen {amount} EUR für Ihre Bestellung {order} erstattet (Erstattung {refund}).",
    "cancel_order": "Wir haben Ihre Bestellung {order} storniert; {amount} EUR gehen dorthin zurück, woher sie kamen.",
    "send_password_reset": "Wir haben einen Link für ein neues Passwort an die Adresse Ihres Kontos gesendet.",
    "send_invoice": "Wir haben die Rechnung zur Bestellung {order} noch einmal an die Adresse Ihres Kontos gesendet.",
    "change_address": "Wir haben Ihre Anschrift geändert.",
    "change_email": "Wir haben die Mailadresse Ihres Kontos geändert.",
    "close_account": "Wir haben Ihr Konto geschlossen.",
    "block_account": "Wir haben Ihr Konto gesperrt, damit niemand damit bestellen kann.",
    "take_over": "Ein Mensch aus unserem Team hat Ihre Anfrage übernommen.",
    "by_agent": "Das war unser Agent {agent}; er ist Software.",
    "by_agent_approved": "Das war unser Agent {agent}; er ist Software, und ein Mensch hatte vorher zugestimmt.",
    "by_person": "Das war ein Mensch aus unserem Team.",
    "not_due": "Wir haben die Bestellung {order} geprüft: Nach unseren Unterlagen steht Ihnen dafür nichts zu.",
    "not_theirs": "Wir finden die Bestellung {order} nicht unter Ihren Bestellungen. Bitte antworten Sie mit der richtigen Nummer.",
    "no_number": "Um Ihnen zu helfen, brauchen wir die Nummer der Bestellung. Bitte antworten Sie damit; sie sieht aus wie S-100001.",
    "sent_already": "Die Bestellung {order} hat unser Lager verlassen und lässt sich nicht mehr aufhalten. Sie können sie an uns zurückschicken.",
    "said_no": "Ein Mensch aus unserem Team hat Ihre Bitte angesehen und sich dagegen entschieden.",
    "no_article": "Um welchen Artikel der Bestellung {order} geht es? Bitte antworten Sie mit seinem Namen.",
    "no_address": "Für eine neue Anschrift brauchen wir Straße, Postleitzahl, Ort und Land. Bitte antworten Sie mit allen vier.",
    "no_mail": "Bitte antworten Sie mit der Mailadresse, die Ihr Konto haben soll.",
    "not_done": "Worum Sie gebeten haben, ließ sich dieses Mal nicht ausführen.",
    "looked_at": "Wir haben Ihre Anfrage angesehen. Was daraus geworden ist, sagt Ihnen ein Mensch, wenn Sie antworten.",
    "no_account": "Wir kennen die Adresse nicht, von der Sie schreiben. Bitte schreiben Sie uns von der Adresse Ihres Kontos.",
    "nothing": "Danke für Ihre Nachricht. Es gab nichts, was wir tun mussten.",
    "processing": "Ihre Bestellung {order} wird gerade gepackt; wir erwarten sie am {promised} bei Ihnen.",
    "shipped": "Ihre Bestellung {order} ist unterwegs (Sendung {tracking}); wir erwarten sie am {promised} bei Ihnen.",
    "delivered": "Ihre Bestellung {order} kam am {delivered} an.",
    "cancelled": "Ihre Bestellung {order} wird nicht verschickt.",
    "end": (
        "Diese Antwort hat Software geschrieben, unser Agent follow-up. Wenn Sie einen Menschen möchten, antworten Sie und "
        "sagen Sie es; mit einer Antwort können Sie auch jeder Entscheidung widersprechen. Wie zufrieden sind Sie, von 1 "
        "(gar nicht) bis 5 (sehr)?"
    ),
    "end_stranger": (
        "Diese Antwort hat Software geschrieben, unser Agent follow-up. Wenn Sie einen Menschen möchten, antworten Sie und sagen Sie es."
    ),
}

_FRENCH: Phrases = {
    "hello": "Bonjour {name},",
    "hello_stranger": "Bonjour,",
    "issue_refund": "Nous avons remboursé {amount} EUR pour votre commande {order} (remboursement {refund}).",
    "cancel_order": "Nous avons annulé votre commande {order} ; {amount} EUR retournent d'où ils venaient.",
    "send_password_reset": "Nous avons envoyé un lien pour un nouveau mot de passe à l'adresse de votre compte.",
    "send_invoice": "Nous avons envoyé de nouveau la facture de la commande {order} à l'adresse de votre compte.",
    "change_address": "Nous avons modifié votre adresse.",
    "change_email": "Nous avons modifié l'adresse e-mail de votre compte.",
    "close_account": "Nous avons fermé votre compte.",
    "block_account": "Nous avons bloqué votre compte pour que personne ne puisse commander avec.",
    "take_over": "Une personne de notre équipe a repris votre demande.",
    "by_agent": "C'est notre agent {agent} qui l'a fait ; c'est un logiciel.",
    "by_agent_approved": "C'est notre agent {agent} qui l'a fait ; c'est un logiciel, et une personne avait donné son accord.",
    "by_person": "C'est une personne de notre équipe qui l'a fait.",
    "not_due": "Nous avons vérifié la commande {order} : d'après nos données, rien ne vous est dû.",
    "not_theirs": "Nous ne trouvons pas la commande {order} parmi les vôtres. Merci de répondre avec le bon numéro.",
    "no_number": "Pour vous aider, il nous faut le numéro de la commande. Merci de répondre avec ; il ressemble à S-100001.",
    "sent_already": "La commande {order} a quitté notre entrepôt et ne peut plus être arrêtée. Vous pouvez nous la retourner.",
    "said_no": "Une personne de notre équipe a examiné votre demande et a décidé de ne pas y donner suite.",
    "no_article": "De quel article de la commande {order} s'agit-il ? Merci de répondre avec son nom.",
    "no_address": "Pour une nouvelle adresse, il nous faut la rue, le code postal, la ville et le pays. Merci d'indiquer les quatre.",
    "no_mail": "Merci de répondre avec l'adresse e-mail que votre compte doit avoir.",
    "not_done": "Ce que vous avez demandé n'a pas pu se faire cette fois.",
    "looked_at": "Nous avons regardé votre demande. Pour savoir ce qu'il en est, répondez et demandez une personne.",
    "no_account": "Nous ne connaissons pas l'adresse d'où vous écrivez. Merci de nous écrire depuis l'adresse de votre compte.",
    "nothing": "Merci de nous avoir écrit. Il n'y avait rien à faire de notre part.",
    "processing": "Votre commande {order} est en préparation ; nous l'attendons chez vous le {promised}.",
    "shipped": "Votre commande {order} est en route (suivi {tracking}) ; nous l'attendons chez vous le {promised}.",
    "delivered": "Votre commande {order} est arrivée le {delivered}.",
    "cancelled": "Votre commande {order} ne sera pas expédiée.",
    "end": (
        "Cette réponse a été écrite par un logiciel, notre agent follow-up. Si vous souhaitez une personne, répondez et "
        "dites-le ; en répondant, vous pouvez aussi contester toute décision. Êtes-vous satisfait, de 1 (pas du tout) à 5 (très) ?"
    ),
    "end_stranger": (
        "Cette réponse a été écrite par un logiciel, notre agent follow-up. Si vous souhaitez une personne, répondez et dites-le."
    ),
}

_SPANISH: Phrases = {
    "hello": "Hola, {name}:",
    "hello_stranger": "Hola:",
    "issue_refund": "Hemos reembolsado {amount} EUR de su pedido {order} (reembolso {refund}).",
    "cancel_order": "Hemos cancelado su pedido {order}; {amount} EUR vuelven a donde vinieron.",
    "send_password_reset": "Hemos enviado un enlace para una nueva contraseña a la dirección de su cuenta.",
    "send_invoice": "Hemos enviado otra vez la factura del pedido {order} a la dirección de su cuenta.",
    "change_address": "Hemos cambiado su dirección.",
    "change_email": "Hemos cambiado el correo de su cuenta.",
    "close_account": "Hemos cerrado su cuenta.",
    "block_account": "Hemos bloqueado su cuenta para que nadie pueda pedir con ella.",
    "take_over": "Una persona de nuestro equipo se ha hecho cargo de su solicitud.",
    "by_agent": "Lo ha hecho nuestro agente {agent}, que es software.",
    "by_agent_approved": "Lo ha hecho nuestro agente {agent}, que es software, y antes lo había aprobado una persona.",
    "by_person": "Lo ha hecho una persona de nuestro equipo.",
    "not_due": "Hemos revisado el pedido {order}: según nuestros datos no hay nada que pagar por él.",
    "not_theirs": "No encontramos el pedido {order} entre los suyos. Responda, por favor, con el número correcto.",
    "no_number": "Para ayudarle necesitamos el número del pedido. Responda con él, por favor; es como S-100001.",
    "sent_already": "El pedido {order} ha salido de nuestro almacén y ya no se puede parar. Puede devolvérnoslo.",
    "said_no": "Una persona de nuestro equipo ha visto su solicitud y ha decidido que no.",
    "no_article": "¿De qué artículo del pedido {order} se trata? Responda, por favor, con su nombre.",
    "no_address": "Para una nueva dirección necesitamos calle, código postal, ciudad y país. Responda, por favor, con los cuatro.",
    "no_mail": "Responda, por favor, con el correo que debe tener su cuenta.",
    "not_done": "Lo que ha pedido no se ha podido hacer esta vez.",
    "looked_at": "Hemos mirado su solicitud. Para saber qué ha pasado con ella, responda y pida una persona.",
    "no_account": "No conocemos la dirección desde la que escribe. Escríbanos, por favor, desde la dirección de su cuenta.",
    "nothing": "Gracias por escribirnos. No había nada que tuviéramos que hacer.",
    "processing": "Su pedido {order} se está preparando; lo esperamos en su casa el {promised}.",
    "shipped": "Su pedido {order} está en camino (envío {tracking}); lo esperamos en su casa el {promised}.",
    "delivered": "Su pedido {order} llegó el {delivered}.",
    "cancelled": "Su pedido {order} no se enviará.",
    "end": (
        "Esta respuesta la ha escrito un software, nuestro agente follow-up. Si quiere una persona, responda y dígalo; "
        "respondiendo también puede reclamar contra cualquier decisión. ¿Cómo de satisfecho está, de 1 (nada) a 5 (mucho)?"
    ),
    "end_stranger": (
        "Esta respuesta la ha escrito un software, nuestro agente follow-up. Si quiere una persona, responda y dígalo."
    ),
}

_DUTCH: Phrases = {
    "hello": "Beste {name},",
    "hello_stranger": "Goedendag,",
    "issue_refund": "We hebben {amount} EUR terugbetaald voor uw bestelling {order} (terugbetaling {refund}).",
    "cancel_order": "We hebben uw bestelling {order} geannuleerd; {amount} EUR gaat terug naar waar het vandaan kwam.",
    "send_password_reset": "We hebben een link voor een nieuw wachtwoord naar het adres van uw account gestuurd.",
    "send_invoice": "We hebben de factuur van bestelling {order} nog eens naar het adres van uw account gestuurd.",
    "change_address": "We hebben uw adres gewijzigd.",
    "change_email": "We hebben het mailadres van uw account gewijzigd.",
    "close_account": "We hebben uw account gesloten.",
    "block_account": "We hebben uw account geblokkeerd, zodat niemand ermee kan bestellen.",
    "take_over": "Een mens uit ons team heeft uw vraag overgenomen.",
    "by_agent": "Dat deed onze agent {agent}; dat is software.",
    "by_agent_approved": "Dat deed onze agent {agent}; dat is software, en een mens had er eerst mee ingestemd.",
    "by_person": "Dat deed een mens uit ons team.",
    "not_due": "We hebben bestelling {order} nagekeken: volgens onze gegevens krijgt u daarvoor niets terug.",
    "not_theirs": "We vinden bestelling {order} niet tussen uw bestellingen. Antwoord alstublieft met het juiste nummer.",
    "no_number": "Om u te helpen hebben we het nummer van de bestelling nodig. Antwoord er alstublieft mee; het lijkt op S-100001.",
    "sent_already": "Bestelling {order} heeft ons magazijn verlaten en is niet meer te stoppen. U kunt haar naar ons terugsturen.",
    "said_no": "Een mens uit ons team heeft naar uw vraag gekeken en ertegen besloten.",
    "no_article": "Om welk artikel van bestelling {order} gaat het? Antwoord alstublieft met de naam ervan.",
    "no_address": "Voor een nieuw adres hebben we straat, postcode, plaats en land nodig. Antwoord alstublieft met alle vier.",
    "no_mail": "Antwoord alstublieft met het mailadres dat uw account moet hebben.",
    "not_done": "Wat u vroeg kon deze keer niet worden uitgevoerd.",
    "looked_at": "We hebben naar uw vraag gekeken. Wat ervan geworden is, hoort u van een mens als u antwoordt.",
    "no_account": "We kennen het adres niet waarvandaan u schrijft. Schrijf ons alstublieft vanaf het adres van uw account.",
    "nothing": "Dank u voor uw bericht. Er was niets dat wij moesten doen.",
    "processing": "Uw bestelling {order} wordt ingepakt; we verwachten haar op {promised} bij u.",
    "shipped": "Uw bestelling {order} is onderweg (zending {tracking}); we verwachten haar op {promised} bij u.",
    "delivered": "Uw bestelling {order} kwam op {delivered} aan.",
    "cancelled": "Uw bestelling {order} wordt niet verstuurd.",
    "end": (
        "Dit antwoord is geschreven door software, onze agent follow-up. Wilt u een mens, antwoord dan en zeg het; door te "
        "antwoorden kunt u ook bezwaar maken tegen elke beslissing. Hoe tevreden bent u, van 1 (helemaal niet) tot 5 (zeer)?"
    ),
    "end_stranger": "Dit antwoord is geschreven door software, onze agent follow-up. Wilt u een mens, antwoord dan en zeg het.",
}

PHRASES: Mapping[str, Phrases] = {"en": _ENGLISH, "de": _GERMAN, "fr": _FRENCH, "es": _SPANISH, "nl": _DUTCH}
"""Sentences by language and name; every language has every name."""
